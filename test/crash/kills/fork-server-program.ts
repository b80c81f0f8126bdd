import fs from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { commitChangeSet } from "../../../src/commit/commit.ts";
import { openCommitStore } from "../../../src/commit/commit-store.ts";
import { stateDirectoryOf } from "../../../src/disk/state/state-directory.ts";
import { recoverRoot } from "../../../src/recovery/recover-root.ts";
import { TemporaryRoot } from "../../commit/scenario.ts";
import { dieInScenario } from "../commit-victim.ts";
import { ImpatientDisk } from "../impatient-disk.ts";
import { changesTo, layOut, readMade } from "./committed-tree.ts";
import { commitForEver } from "./committer.ts";
import type { ForkOrder } from "./fork-server.ts";

/**
 * Becomes a process that commits whenever it is told to, by fork(2): loading and compiling all of it
 * anew takes fifty times as long as the commit in which that process is to be killed.
 *
 * Orders are lines of input, the answer to each is the number of the new process. The end of the
 * input is the end of it, and its end that of all its children.
 */
type Call = (...values: readonly unknown[]) => number;
interface Library {
  func(prototype: string): Call;
}
const koffi = createRequire(import.meta.url)("koffi") as { load(path: null): Library };
const library = koffi.load(null);
const fork = library.func("int fork()");
const ownNumber = library.func("int getpid()");
const waitFor = library.func("int waitpid(int, void*, int)");
const control = library.func("int prctl(int, ulong, ulong, ulong, ulong)");
const poll = library.func("int poll(void*, ulong, int)");
const defaultLoop = library.func("void* uv_default_loop()");
const renewLoop = library.func("int uv_loop_fork(void*)");

/** `WNOHANG`, `PR_SET_PDEATHSIG`, `SIGKILL`. */
const withoutWaiting = 1;
const signalOfParentsDeath = 1;
const kill = 9;

/** Until what a commit needs is loaded and compiled, and a child need not do so. */
async function warmUp(): Promise<void> {
  using directory = new TemporaryRoot();
  const root = join(directory.path, "root");
  fs.mkdirSync(root);
  layOut(root, { number: 0, by: "start" });
  const store = openCommitStore(new ImpatientDisk(), stateDirectoryOf(root));
  for (let round = 0; round < 40; round++) {
    const before = readMade(root);
    const durability = round % 3 === 0 ? "none" : "durable";
    await commitChangeSet(store, changesTo(root, before, "warm-up"), { durability });
    if (round % 10 === 0) await recoverRoot(store);
  }
  store.objects.close();
}

/** A `struct pollfd`: `POLLIN` of standard input, from which Node has children read without waiting. */
const inputToRead = Buffer.from([0, 0, 0, 0, 1, 0, 0, 0]);

function readLine(): string | undefined {
  const byte = Buffer.alloc(1);
  let line = "";
  for (;;) {
    poll(inputToRead, 1, -1);
    if (fs.readSync(0, byte) === 0) return undefined;
    if (byte[0] === 0x0a) return line;
    line += byte.toString("latin1");
  }
}

/** Asks what became of children that are over. @returns those that ended by anything but SIGKILL. */
function reap(): string[] {
  const status = Buffer.alloc(4);
  const odd: string[] = [];
  for (let pid = 0; ; ) {
    pid = waitFor(-1, status, withoutWaiting);
    if (pid <= 0) return odd;
    if (status.readInt32LE(0) !== kill) odd.push(`${pid} ended by ${status.readInt32LE(0)}`);
  }
}

function becomeAnother(): void {
  control(signalOfParentsDeath, kill, 0, 0, 0);
  if (renewLoop(defaultLoop()) !== 0) throw new Error("the event loop cannot be made anew");
  Object.defineProperty(process, "pid", { value: ownNumber() });
}

/** Gives birth as it is told; returns in the children alone. */
function serve(): ForkOrder {
  for (;;) {
    const line = readLine();
    if (line === undefined) process.exit(0);
    const order = JSON.parse(line) as ForkOrder | null;
    const odd = reap();
    const pid = order === null ? -1 : fork();
    if (pid < 0 && order !== null) throw new Error("the kernel refuses another process");
    if (order !== null && pid === 0) {
      becomeAnother();
      return order;
    }
    fs.writeSync(1, `${JSON.stringify({ pid, odd })}\n`);
  }
}

await warmUp();
// What is not there need not be copied.
globalThis.gc?.();
fs.writeSync(1, "ready\n");
const order = serve();
try {
  await (order.kind === "die-in-scenario" ? dieInScenario(order) : commitForEver(order));
} catch (error) {
  fs.writeSync(2, `${(error as Error).stack}\n`);
  // An ordinary end waits for threads that the fork has left behind.
  process.kill(process.pid, "SIGABRT");
}
