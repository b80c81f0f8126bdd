import { closeSync } from "node:fs";
import { type ByteRange, dataRangesOf } from "../disk/data-ranges.ts";
import { bufferContent } from "../overlay/content.ts";
import type { Content } from "../overlay/pending.ts";
import { readFully, type SpilledContent, SpillFile } from "./spill-file.ts";

/** Content up to this many bytes is copied into memory at once; larger ones stay where they are. */
const copiedBytesMax = 256 * 1024;

/** Large files that may be open at once; a process has at least 1024 descriptors. */
const lentFilesMax = 256;

/** A content that the layer holds and whose bytes still lie in a file of the upper. */
class LentContent implements Content {
  readonly size: number;
  readonly lower = undefined;
  readonly spilled = undefined;
  readonly #spill: SpillFile;
  #descriptor: number | undefined;
  #spilled: SpilledContent | undefined;

  constructor(descriptor: number, size: number, spill: SpillFile) {
    this.#descriptor = descriptor;
    this.size = size;
    this.#spill = spill;
  }

  read(buffer: Uint8Array, position: number): number {
    const wanted = buffer.subarray(0, Math.max(0, Math.min(buffer.length, this.size - position)));
    return this.#descriptor === undefined
      ? (this.#spilled?.read(wanted, position) ?? 0)
      : readFully(this.#descriptor, wanted, position);
  }

  dataRanges(): Iterable<ByteRange> {
    return this.#descriptor === undefined
      ? (this.#spilled?.ranges ?? [])
      : dataRangesOf(this.#descriptor, this.size);
  }

  /** Takes the bytes out of the upper. */
  settle(): void {
    if (this.#descriptor === undefined) return;
    this.#spilled = this.#spill.take(this.#descriptor, this.size);
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/**
 * The bytes of harvested files. Small ones are copied. Large ones stay in the upper, where no
 * command can change them as long as none runs: most are committed or saved from there and never
 * copied in between. Before the next command `settle` moves them to a file without a name, so that
 * memory stays bounded.
 */
export class LentContents {
  readonly #spill = new SpillFile();
  readonly #lent = new Set<WeakRef<LentContent>>();
  readonly #dropped = new FinalizationRegistry<WeakRef<LentContent>>((reference) => {
    this.#lent.delete(reference);
  });

  /**
   * @param descriptor of the file in the upper; it belongs to this object from here on.
   * @param isLive whether a command may be writing to it.
   */
  contentOf(descriptor: number, size: number, isLive: boolean): Content {
    const isCopied = size <= copiedBytesMax;
    const bytes = Buffer.allocUnsafeSlow(isCopied ? size : 1);
    let count: number | undefined;
    try {
      // Of a large one as well: what cannot be read is found out now, and not when it is committed.
      count = readFully(descriptor, bytes, 0);
    } finally {
      if (isCopied || count === undefined) closeSync(descriptor);
    }
    if (isCopied) return bufferContent(bytes.subarray(0, count));
    const content = new LentContent(descriptor, size, this.#spill);
    if (isLive || this.#lent.size >= lentFilesMax) content.settle();
    else {
      const reference = new WeakRef(content);
      this.#lent.add(reference);
      this.#dropped.register(content, reference);
    }
    return content;
  }

  /** Must be called before anything may write to the upper again. */
  settle(): void {
    for (const reference of this.#lent) reference.deref()?.settle();
    this.#lent.clear();
  }

  /** Contents cannot be read any more. */
  close(): void {
    this.#lent.clear();
    this.#spill.close();
  }
}
