import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { compileC } from "../../support/compiled-c.ts";
import { CompiledProject } from "../../support/compiled-project.ts";
import type { VictimOrder } from "../commit-victim.ts";
import type { CommitterOrder } from "./committer.ts";

/** What a new process is to do. */
export type ForkOrder = CommitterOrder | VictimOrder;

/** Makes processes that commit until they die, each within a few milliseconds; see `fork-server-program.ts`. */
export class ForkServer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  static async start(): Promise<ForkServer> {
    const program = CompiledProject.build().pathOf("test/crash/kills/fork-server-program.ts");
    const library = compileC("copied-memory.c", "copied-memory", ["-shared", "-fPIC"]);
    // Threads that V8 has beside are not there any more after a fork, and every page costs a copy.
    const flags = ["--single-threaded", "--max-semi-space-size=1", "--expose-gc"];
    const child = spawn(process.execPath, [...flags, program], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, LD_PRELOAD: library },
    });
    const server = new ForkServer(child);
    if ((await server.#next()) !== "ready") throw new Error("the fork server does not start");
    return server;
  }

  /**
   * @returns the number of the new process.
   * @throws as {@link ForkServer.expectAllKilled} does.
   */
  async fork(order: ForkOrder): Promise<number> {
    return await this.#ask(order);
  }

  /** @throws when one of the processes that are over has died of anything but SIGKILL. */
  async expectAllKilled(): Promise<void> {
    await this.#ask(null);
  }

  async #ask(order: ForkOrder | null): Promise<number> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    const { pid, odd } = JSON.parse(await this.#next()) as { pid: number; odd: string[] };
    if (odd.length > 0) throw new Error(`processes died of something else: ${odd.join(", ")}`);
    return pid;
  }

  /** All of its processes die with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await gone;
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the fork server is gone");
    return value;
  }
}

/** Waits until a process is over, whoever has killed it. @returns whether it is, in time. */
export async function isOverWithin(pid: number, waitMs: number): Promise<boolean> {
  const end = performance.now() + waitMs;
  for (;;) {
    if (isOver(pid)) return true;
    if (performance.now() > end) return false;
    await delay(1);
  }
}

function isOver(pid: number): boolean {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return /^[ZX]/.test(text.slice(text.lastIndexOf(")") + 2));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return true;
    throw error;
  }
}

const lastForkable = 25;

/** Why there can be no such server here, in words for a person; `undefined` when there can. */
export function forkServerObstacle(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  const [release] = process.versions.node.split(".");
  // What its V8 waits for in a child the fork has left behind; seen with 26.10.
  if (Number(release) > lastForkable) return `needs Node ${lastForkable} or earlier`;
  try {
    createRequire(import.meta.url)("koffi");
  } catch {
    return "needs koffi";
  }
  const directories = (process.env["PATH"] ?? "").split(":");
  if (directories.some((directory) => fs.existsSync(`${directory}/gcc`))) return undefined;
  return "needs gcc: apt-get install gcc libc6-dev";
}
