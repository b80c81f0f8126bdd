import { setImmediate as turn } from "node:timers/promises";
import { backgroundBytesMax } from "../../limits.ts";
import type { CreationFailure, FileCreation } from "../disk.ts";
import { BackgroundThread } from "./background-thread.ts";
import { type BatchOutcome, createBatch, type FileBatch } from "./file-batch.ts";

interface Offer {
  readonly batch: FileBatch;
  readonly paths: readonly string[];
  readonly outcome: Promise<BatchOutcome>;
}

/**
 * Creates small files in a thread of its own; who waits for the end helps with what is left, so
 * that a thread that has not even started costs no time.
 *
 * The calls are the synchronous ones, one after the other: for small files the promise forms cost
 * the caller more than the calls themselves.
 */
export class BackgroundFiles implements FileCreation {
  readonly #thread: BackgroundThread;
  readonly #offers: Offer[] = [];
  #paths: string[] = [];
  #facts: number[] = [];
  #bytes = emptyBytes;
  #filled = 0;
  #bytesUnderWay = 0;

  private constructor(thread: BackgroundThread) {
    this.#thread = thread;
  }

  /** @returns `undefined` where no thread can be had: the caller creates the files itself. */
  static start(): BackgroundFiles | undefined {
    const thread = BackgroundThread.take();
    return thread === undefined ? undefined : new BackgroundFiles(thread);
  }

  add(path: string, mode: number, bytes: Uint8Array): boolean {
    if (this.#bytesUnderWay + bytes.length > backgroundBytesMax) return false;
    if (this.#filled + bytes.length > this.#bytes.length) {
      this.#send();
      this.#bytes = Buffer.from(this.#thread.takeMemory(bytes.length).buffer);
    }
    const end = this.#filled + bytes.length;
    // To shared memory `set` copies word by word, which takes six times as long.
    if (bytes.length > 0) this.#bytes.fill(bytes, this.#filled, end);
    this.#filled = end;
    this.#paths.push(path);
    this.#facts.push(mode, bytes.length);
    return true;
  }

  async finish(): Promise<CreationFailure | undefined> {
    this.#send();
    const failures: CreationFailure[] = [];
    // The thread goes from the first to the last: we meet it on the way.
    for (const { batch, paths, outcome } of this.#offers.reverse()) {
      const own = createBatch(batch);
      const final = own.kind === "claimed" ? await outcome : own;
      if (final.kind === "failed") failures.push(failureOf(final, paths));
      this.#thread.giveMemory(batch.bytes);
      await turn();
    }
    this.#thread.giveBack();
    return failures.at(-1);
  }

  #send(): void {
    if (this.#paths.length === 0) return;
    const claim = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const batch: FileBatch = {
      kind: "create",
      paths: this.#paths.join("\0"),
      facts: Int32Array.from(this.#facts),
      bytes: this.#bytes,
      claim,
    };
    const size = this.#bytes.length;
    this.#bytesUnderWay += size;
    const outcome = this.#thread.offer(batch).then((result) => {
      this.#bytesUnderWay -= size;
      return result;
    });
    this.#offers.push({ batch, paths: this.#paths, outcome });
    this.#paths = [];
    this.#facts = [];
    this.#bytes = emptyBytes;
    this.#filled = 0;
  }
}

const emptyBytes = Buffer.from(new SharedArrayBuffer(0));

function failureOf(
  outcome: Extract<BatchOutcome, { kind: "failed" }>,
  paths: readonly string[],
): CreationFailure {
  const { message, code, errno, syscall, index } = outcome;
  const path = paths[index] ?? "";
  return { path, error: Object.assign(new Error(message), { code, errno, syscall, path }) };
}
