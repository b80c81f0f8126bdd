import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** What the thread is given. */
export interface NoticeWork {
  /** Descriptor of `/dev/fuse`. */
  readonly device: number;
  /** How many messages have been sent. */
  readonly sent: Int32Array<SharedArrayBuffer>;
}

const programPath = fileURLToPath(new URL("./notice-program.js", import.meta.url));

/**
 * How long an answer waits for the messages before it, in milliseconds: they take one, and starting
 * the thread some fifty. Longer only where the kernel waits for this server.
 */
const waitMaxMs = 200;

/**
 * Tells the kernel what it shall not keep any longer. To drop pages it waits until nobody reads
 * them, and to drop a name until nobody changes its directory: for readers and writers, that is,
 * who wait for this server. So a thread of its own tells it, which is started when there is
 * something to tell.
 */
export class KernelNotices {
  readonly #device: number;
  readonly #sent = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
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
    const untilMs = performance.now() + waitMaxMs;
    for (;;) {
      const sent = Atomics.load(this.#sent, 0);
      const restMs = untilMs - performance.now();
      if (sent >= this.#posted || restMs <= 0) return;
      Atomics.wait(this.#sent, 0, sent, restMs);
    }
  }

  #start(): Worker {
    const workerData: NoticeWork = { device: this.#device, sent: this.#sent };
    const worker = new Worker(programPath, { execArgv: [], trackUnmanagedFds: false, workerData });
    worker.unref();
    return worker;
  }
}
