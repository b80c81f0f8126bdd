import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMainThread, Worker } from "node:worker_threads";
import { backgroundIdleMs, batchBytes } from "../../limits.ts";
import { ownUrlOf } from "../own-url.ts";
import type { BackgroundJob } from "./background-job.ts";
import type { BatchOutcome, FileBatch } from "./file-batch.ts";

/** Not there where the sources run without having been compiled. */
const programPath = fileURLToPath(new URL("./background-program.js", ownUrlOf(import.meta.url)));

/**
 * A thread that creates and closes files for whoever has many of them: one for the whole process.
 * It is kept for a moment after its use, because one commit is often followed by another, and never
 * keeps the process alive on its own.
 */
export class BackgroundThread {
  static #current: BackgroundThread | undefined;

  readonly #worker: Worker;
  readonly #waiting: ((answer: BatchOutcome) => void)[] = [];
  /** Free for new batches. Memory that has been used before costs no page faults. */
  readonly #memory: FileBatch["bytes"][] = [];
  #users = 0;
  #death: Error | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  private constructor() {
    // The flags and hooks of the process are not meant for this thread.
    this.#worker = new Worker(programPath, { execArgv: [], trackUnmanagedFds: false });
    this.#worker.on("message", (answer: BatchOutcome) => this.#waiting.shift()?.(answer));
    this.#worker.on("error", (error) => this.#die(error));
    this.#worker.on("exit", () => this.#die(new Error("The thread for many files has ended.")));
  }

  /**
   * To be given back.
   *
   * @returns `undefined` in a worker thread, and where this process cannot have threads.
   */
  static take(): BackgroundThread | undefined {
    BackgroundThread.#current ??= BackgroundThread.#start();
    const thread = BackgroundThread.#current;
    if (thread !== undefined) thread.#use();
    return thread;
  }

  static #start(): BackgroundThread | undefined {
    // What is opened in a worker has to be closed there: Node keeps account of it.
    if (!isMainThread || !existsSync(programPath)) return undefined;
    try {
      return new BackgroundThread();
    } catch {
      // Forbidden by Node's permission model, or no memory for it.
      return undefined;
    }
  }

  #use(): void {
    this.#users += 1;
    clearTimeout(this.#idleTimer);
    this.#worker.ref();
  }

  /** Memory for a batch, of the usual size or of `size` bytes where that is more. */
  takeMemory(size: number): FileBatch["bytes"] {
    const used = size <= batchBytes ? this.#memory.pop() : undefined;
    return used ?? new Uint8Array(new SharedArrayBuffer(Math.max(batchBytes, size)));
  }

  /** Takes back the memory of a batch that is done. */
  giveMemory(memory: FileBatch["bytes"]): void {
    if (memory.length === batchBytes) this.#memory.push(memory);
  }

  /** Offers a job; resolves when the thread has done it, or has found it claimed. */
  offer(job: BackgroundJob): Promise<BatchOutcome> {
    if (this.#death !== undefined) return Promise.resolve(deathOf(this.#death));
    this.#worker.postMessage(job);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** To be called when nothing is waited for any more; what was offered is still done. */
  giveBack(): void {
    this.#users -= 1;
    if (this.#users > 0 || this.#death !== undefined) return;
    this.#worker.unref();
    this.#idleTimer = setTimeout(() => this.#retire(), backgroundIdleMs).unref();
  }

  #retire(): void {
    if (BackgroundThread.#current === this) BackgroundThread.#current = undefined;
    void this.#worker.terminate();
  }

  #die(error: Error): void {
    this.#death ??= error;
    if (BackgroundThread.#current === this) BackgroundThread.#current = undefined;
    for (const answer of this.#waiting.splice(0)) answer(deathOf(error));
  }
}

function deathOf({ message }: Error): BatchOutcome {
  return {
    kind: "failed",
    index: 0,
    message,
    code: undefined,
    errno: undefined,
    syscall: undefined,
  };
}
