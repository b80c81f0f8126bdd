import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { canMakePidNamespaces, inOwnPidNamespace } from "../support/own-namespace.ts";

const files = 6;
const rounds = Number(process.env["DRAFTFS_ROUNDS"] ?? 120);
/** How long processes race at most before one is killed. */
const racingMs = 2000;

/** A process that commits or recovers until it is killed, and what it says it has committed. */
class Worker {
  readonly #child: ChildProcess;
  #output = "";

  constructor(program: string, root: string, name: string, prefix: readonly string[]) {
    const [command = "", ...words] = [...prefix, process.execPath];
    this.#child = spawn(command, [...words, program, root, name, String(files)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#output += chunk;
    });
  }

  get acknowledged(): number {
    return Number(this.check().at(-1) ?? 0);
  }

  /** What it has said so far; throws when that is an error. */
  check(): readonly string[] {
    const lines = this.#output.split("\n").slice(0, -1);
    const failed = lines.find((line) => line.startsWith("error"));
    if (failed !== undefined) throw new Error(failed);
    return lines;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}

// Those of one pid namespace race, and die, by the thousand in `kills/`.
const cases = canMakePidNamespaces()
  ? // They cannot see each other's processes: the kernel alone tells who has died.
    [{ count: 3, prefix: inOwnPidNamespace, where: "each in its own pid namespace" }]
  : [{ count: 3, prefix: [], where: "of one pid namespace" }];

test.each(cases)(
  "$count processes ($where) that commit against each other under SIGKILL never mix or lose",
  async ({ count, prefix }) => {
    const project = CompiledProject.build();
    using root = TemporaryRoot.inMemory();
    for (let index = 0; index < files; index++) {
      fs.writeFileSync(join(root.path, `file-${index}`), "0 start\n");
    }
    const program = project.pathOf("test/crash/commit-worker.ts");
    const recoverer = project.pathOf("test/crash/recover-worker.ts");
    const workers = Array.from({ length: count }, (_, index) => {
      return new Worker(program, root.path, `worker-${index}`, prefix);
    });
    let rescuer = new Worker(recoverer, root.path, "recover", prefix);
    const read = () =>
      Array.from({ length: files }, (_, index) => {
        return fs.readFileSync(join(root.path, `file-${index}`), "utf8");
      });
    try {
      while (workers.every((worker) => worker.acknowledged === 0)) await delay(20);
      let kills = 0;
      for (let round = 0; round < rounds; round++) {
        // A kill says nothing until its victim has got to committing.
        const busy = workers[round % count] as Worker;
        for (let wait = 0; busy.acknowledged === 0 && wait < 500; wait++) await delay(10);
        // Mostly in the first commits of a process, now and then after it has raced for long.
        await delay(Math.random() * (round % 5 === 2 ? racingMs : 40));
        const victim = round % count;
        const worker = workers[victim] as Worker;
        await worker.kill();
        kills += 1;
        if (round % 5 === 0) {
          await rescuer.kill();
          kills += 1;
          rescuer = new Worker(recoverer, root.path, "recover", prefix);
        }
        const acknowledged = worker.acknowledged;
        if (round % 10 === 0) {
          // Nobody else is in the way of a look: all die, one recovers.
          await Promise.all([...workers, rescuer].map((each) => each.kill()));
          rescuer.check();
          const known = Math.max(...workers.map((each) => each.acknowledged), acknowledged);
          await recoverJournal(openCommitStore(new NodeDisk(), stateDirectoryOf(root.path)));
          const found = read();
          expect(new Set(found).size, found.join("")).toBe(1);
          expect(Number(found[0]?.split(" ")[0])).toBeGreaterThanOrEqual(known);
          workers.forEach((_, index) => {
            workers[index] = new Worker(program, root.path, `worker-${index}-${round}`, prefix);
          });
          rescuer = new Worker(recoverer, root.path, "recover", prefix);
          continue;
        }
        workers[victim] = new Worker(program, root.path, `worker-${victim}-${round}`, prefix);
      }
      await Promise.all([...workers, rescuer].map((each) => each.kill()));
      rescuer.check();
      await recoverJournal(openCommitStore(new NodeDisk(), stateDirectoryOf(root.path)));
      const found = read();
      expect(new Set(found).size).toBe(1);
      const store = join(root.path, ".draftfs/checkpoints.git");
      execFileSync("git", ["--git-dir", store, "fsck", "--strict"], { stdio: "pipe" });
      console.log(`${count} processes, ${kills} kills, ${found[0]?.split(" ")[0]} commits`);
    } finally {
      await Promise.all([...workers, rescuer].map((each) => each.kill()));
    }
  },
);
