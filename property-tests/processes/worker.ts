import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { CompiledProject } from "../../test/support/compiled-project.ts";
import type { Doing, Reply, Request } from "./protocol.ts";

/** How a process came to an end of what it was told: it may have been killed. */
export type End = Reply | { readonly kind: "died" };

let program: string | undefined;

/** A real process that does one thing after the other. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    // What is said to one that has just died is heard by nobody.
    child.stdin?.on("error", () => undefined);
    this.#replies = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  static start(): Worker {
    program ??= CompiledProject.build().pathOf("property-tests/processes/process-worker.ts");
    const stdio = ["pipe", "pipe", "inherit", "pipe"] as const;
    return new Worker(spawn(process.execPath, [program], { stdio: [...stdio] }));
  }

  /** Tells it to do something, and waits until it has, or has stopped. */
  async tell(root: string, doing: Doing, stop?: Request["stop"]): Promise<End> {
    this.#child.stdin?.write(`${JSON.stringify({ root, doing, stop })}\n`);
    return this.#next();
  }

  /** Lets it go on from where it has paused, to its end. */
  async goOn(): Promise<End> {
    (this.#child.stdio[3] as Writable).write(".");
    return this.#next();
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }

  async #next(): Promise<End> {
    const { value, done } = await this.#replies.next();
    if (done !== true) return JSON.parse(value) as Reply;
    await this.kill();
    return { kind: "died" };
  }
}
