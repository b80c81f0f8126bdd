import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ownUrlOf } from "../../disk/own-url.ts";

/** What the thread is given. */
export interface NoticeWork {
  /** Descriptor of `/dev/fuse`. */
  readonly device: number;
  /** How many messages have been sent, and whether the thread has begun. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

/** Where in `progress`. */
export const sentAt = 0;
export const begunAt = 1;

const programPath = fileURLToPath(new URL("./notice-program.js", ownUrlOf(import.meta.url)));

/**
 * How long an answer waits for the messages before it, in milliseconds: they take one. Longer only
 * where the kernel waits for this server.
 */
const sendMaxMs = 200;

/**
 * How long it waits for the thread to begin, in milliseconds: some fifty, and more on a busy
 * machine. Nobody waits for this server because of a thread that has sent nothing yet.
 */
const beginMaxMs = 10_000;

/**
 * Tells the kernel what it shall not keep any longer. To drop pages it waits until nobody reads
 * them, and to drop a name until nobody changes its directory: for readers and writers, that is,
 * who wait for this server. So a thread of its own tells it, which is started when there is
 * something to tell.
 */
export class KernelNotices {
  readonly #device: number;
  readonly #progress = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  #worker: Worker | undefined;
  #posted = 0;

  /** @param device descriptor of `/dev/fuse`. */
  constructor(device: number) {
    this.#device = device;
  }

  /** Sends messages; when it returns, the kernel has acted on them or is about to. */
  send(messages: readonly Buffer[]): void {
    this.#worker ??= this.#start();
    this.#posted += messages.length;
    // Copies: small buffers are parts of one that would be sent with each.
    this.#worker.postMessage(messages.map((message) => Uint8Array.from(message)));
    this.#await(sentAt, this.#posted, sendMaxMs);
  }

  /** Waits until the thread has got so far, or for so long. */
  #await(at: number, wanted: number, maxMs: number): void {
    const untilMs = performance.now() + maxMs;
    for (;;) {
      const reached = Atomics.load(this.#progress, at);
      const restMs = untilMs - performance.now();
      if (reached >= wanted || restMs <= 0) return;
      Atomics.wait(this.#progress, at, reached, restMs);
    }
  }

  #start(): Worker {
    const workerData: NoticeWork = { device: this.#device, progress: this.#progress };
    const worker = new Worker(programPath, { execArgv: [], trackUnmanagedFds: false, workerData });
    worker.unref();
    this.#await(begunAt, 1, beginMaxMs);
    return worker;
  }
}
