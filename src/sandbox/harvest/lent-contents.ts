import { closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { type ByteRange, dataRangesOf } from "../../disk/data-ranges.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import { bufferContent } from "../../overlay/content/content.ts";
import type { Fault } from "../../overlay/file-system-error.ts";
import type { Content, LowerNode } from "../../overlay/pending/pending.ts";
import { lossOf, nodeAt } from "./lost-content.ts";
import { readFully, type SpilledContent, SpillFile } from "./spill-file.ts";

/** Content up to this many bytes is copied into memory at once; larger ones stay where they are. */
const copiedBytesMax = 256 * 1024;

/** Large files that may be open at once; a process has at least 1024 descriptors. */
const lentFilesMax = 256;

/** A file of the upper that is harvested. */
interface LentFile {
  readonly size: number;
  /** Of the file on the disk that it was, or would be. */
  readonly place: TreePath;
  /** Whether a command may be writing to it. */
  readonly isLive: boolean;
}

/** A content that the layer holds and whose bytes still lie in a file of the upper. */
class LentContent implements Content {
  readonly size: number;
  readonly spilled = undefined;
  /** A server reads what no command has written from the disk: as a place, never for its inode. */
  readonly below: LowerNode;
  readonly #spill: SpillFile;
  #descriptor: number | undefined;
  #spilled: SpilledContent | undefined;
  #loss: Fault | DraftError | undefined;

  constructor(descriptor: number, { size, place }: LentFile, spill: SpillFile) {
    this.#descriptor = descriptor;
    this.size = size;
    this.below = nodeAt(place, size);
    this.#spill = spill;
  }

  /** Once the bytes are lost, what is left of them is where they were. */
  get lower(): LowerNode | undefined {
    return this.#loss === undefined ? undefined : this.below;
  }

  read(buffer: Uint8Array, position: number): number {
    const wanted = buffer.subarray(0, Math.max(0, Math.min(buffer.length, this.size - position)));
    return this.#whileThere((descriptor) =>
      descriptor === undefined
        ? (this.#spilled?.read(wanted, position) ?? 0)
        : readFully(descriptor, wanted, position),
    );
  }

  dataRanges(): Iterable<ByteRange> {
    return this.#whileThere((descriptor) =>
      descriptor === undefined
        ? (this.#spilled?.ranges ?? [])
        : Array.from(dataRangesOf(descriptor, this.size)),
    );
  }

  /** Takes the bytes out of the upper; those that are lost stay so, and whoever reads is told. */
  settle(): void {
    try {
      this.#whileThere((descriptor) => {
        if (descriptor === undefined) return;
        this.#spilled = this.#spill.take(descriptor, this.size);
        this.#close();
      });
    } catch (error) {
      if (this.#loss === undefined) throw error;
    }
  }

  /** From now on whoever reads it is told that it is gone. */
  drop(loss: DraftError): void {
    if (this.#descriptor === undefined) return;
    this.#loss = loss;
    this.#close();
  }

  #whileThere<Result>(work: (descriptor: number | undefined) => Result): Result {
    if (this.#loss !== undefined) throw this.#loss;
    try {
      return work(this.#descriptor);
    } catch (error) {
      const loss = lossOf(error, this.below.path);
      if (loss === undefined) throw error;
      this.#loss = loss;
      this.#close();
      throw loss;
    }
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
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
   */
  contentOf(descriptor: number, file: LentFile): Content {
    const { size, isLive } = file;
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
    const content = new LentContent(descriptor, file, this.#spill);
    if (isLive || this.#lent.size >= lentFilesMax) content.settle();
    else {
      const reference = new WeakRef(content);
      this.#lent.add(reference);
      this.#dropped.register(content, reference);
    }
    return content;
  }

  /**
   * Must be called before anything may write to the upper again.
   *
   * @throws {DraftError} `DRAFT_SANDBOX_FAILED` when they do not fit elsewhere: all is as it was.
   */
  settle(): void {
    try {
      for (const reference of this.#lent) reference.deref()?.settle();
    } catch (error) {
      throw notKept(error);
    }
    this.#lent.clear();
  }

  /** Contents cannot be read any more; what is open would keep a server alive. */
  close(): void {
    const loss = new DraftError(
      "DRAFT_CLOSED",
      "Cannot read what a command wrote: its session is closed, and it was neither committed nor " +
        "saved.",
    );
    for (const reference of this.#lent) reference.deref()?.drop(loss);
    this.#lent.clear();
    this.#spill.close();
  }
}

function notKept(error: unknown): DraftError {
  const place = tmpdir();
  const reason = (error as NodeJS.ErrnoException).code ?? String(error);
  return new DraftError(
    "DRAFT_SANDBOX_FAILED",
    `Cannot keep large files that commands wrote in ${place}: ${reason}. Nothing is lost and the ` +
      "real tree is untouched. Free some space there, or name another directory by TMPDIR, and " +
      "try again.",
    { path: place, cause: error },
  );
}
