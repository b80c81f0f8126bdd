import { once } from "node:events";
import { Worker } from "node:worker_threads";

/**
 * Another program that keeps calling fsync on a file of its own on the same file system. Each call
 * makes the kernel commit its journal, so that power cuts also fall into moments when some of our
 * renames are durable and others are not.
 */
export class ForeignFsyncs implements AsyncDisposable {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async start(path: string, seed: number): Promise<ForeignFsyncs> {
    const worker = new Worker(program, { eval: true, workerData: { path, seed } });
    await once(worker, "message");
    return new ForeignFsyncs(worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.postMessage("stop");
    await once(this.#worker, "exit");
  }
}

const program = `
  const fs = require("node:fs");
  const { parentPort, receiveMessageOnPort, workerData } = require("node:worker_threads");
  const descriptor = fs.openSync(workerData.path, "w");
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  parentPort.postMessage("started");
  let state = workerData.seed >>> 0;
  while (receiveMessageOnPort(parentPort) === undefined) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    Atomics.wait(sleeper, 0, 0, state / 4294967296 * 6);
    fs.writeSync(descriptor, String(state) + "\\n");
    fs.fsyncSync(descriptor);
  }
  fs.closeSync(descriptor);
`;
