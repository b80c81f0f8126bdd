import { constants } from "node:fs";
import type { ByteRange } from "../disk/data-ranges.ts";
import type { Disk } from "../disk/disk.ts";
import { DraftError } from "../errors.ts";
import { chunkBytes } from "../limits.ts";
import type { Content } from "../overlay/pending/pending.ts";
import { type StoredContent, sumOf } from "./draft-index.ts";

type Extent = Extract<StoredContent, { kind: "stored" }>;

/**
 * The files of one draft that hold content, opened when they are first read and closed together.
 * Descriptors keep content readable when another process replaces the draft meanwhile.
 */
export class ContentFiles {
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly descriptors = new Map<string, number>();

  constructor(disk: Disk, directory: string) {
    this.disk = disk;
    this.directory = directory;
  }

  /** Fills `buffer` from `position` of the file `name`; returns the bytes read. */
  read(name: string, buffer: Uint8Array, position: number): number {
    return this.disk.read(this.descriptorOf(name), buffer, position);
  }

  pathOf(name: string): string {
    return `${this.directory}/${name}`;
  }

  /** Opens a file now, so that it stays readable when it is replaced. */
  descriptorOf(name: string): number {
    const open = this.descriptors.get(name);
    if (open !== undefined) return open;
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    const descriptor = this.disk.open(this.pathOf(name), flags);
    this.descriptors.set(name, descriptor);
    return descriptor;
  }

  close(): void {
    for (const descriptor of this.descriptors.values()) this.disk.close(descriptor);
    this.descriptors.clear();
  }
}

/**
 * The bytes that a draft holds for one file. Every MiB is checked against its checksum when it is
 * first read, never before: loading a draft reads its index alone.
 */
export class StoredBytes implements Content {
  readonly lower = undefined;
  readonly spilled: string | undefined;
  private readonly files: ContentFiles;
  private readonly extent: Extent;
  /** By the number of the MiB; those that have none are zeros. */
  private readonly sums = new Map<number, string>();
  private readonly verified = new Set<number>();

  constructor(files: ContentFiles, extent: Extent) {
    this.files = files;
    this.extent = extent;
    let index = 0;
    for (const sum of extent.sums) {
      if (typeof sum === "string") this.sums.set(index, sum);
      index += typeof sum === "string" ? 1 : sum;
    }
    this.spilled = extent.file.startsWith("file-") ? files.pathOf(extent.file) : undefined;
  }

  get size(): number {
    return this.extent.size;
  }

  read(buffer: Uint8Array, position: number): number {
    const end = Math.min(position + buffer.length, this.size);
    let at = position;
    while (at < end) {
      const chunk = Math.floor(at / chunkBytes);
      const chunkEnd = Math.min((chunk + 1) * chunkBytes, this.size);
      const piece = buffer.subarray(at - position, Math.min(end, chunkEnd) - position);
      this.readWithin(chunk, piece, at);
      at += piece.length;
    }
    return Math.max(0, at - position);
  }

  *dataRanges(): Generator<ByteRange> {
    for (const chunk of this.sums.keys()) {
      const start = chunk * chunkBytes;
      yield { start, end: Math.min(start + chunkBytes, this.size) };
    }
  }

  /** Fills `piece`, which lies within one chunk. */
  private readWithin(chunk: number, piece: Uint8Array, at: number): void {
    const sum = this.sums.get(chunk);
    if (sum === undefined) {
      piece.fill(0);
      return;
    }
    if (this.verified.has(chunk)) {
      this.readExactly(piece, at);
      return;
    }
    const start = chunk * chunkBytes;
    const length = Math.min(chunkBytes, this.size - start);
    const whole = piece.length === length ? piece : Buffer.allocUnsafeSlow(length);
    this.readExactly(whole, start);
    if (sumOf(whole) !== sum) {
      throw this.damaged("its checksum does not match");
    }
    this.verified.add(chunk);
    if (whole !== piece) piece.set(whole.subarray(at - start, at - start + piece.length));
  }

  private readExactly(buffer: Uint8Array, at: number): void {
    const count = this.files.read(this.extent.file, buffer, this.extent.offset + at);
    if (count < buffer.length) throw this.damaged("it is too short");
  }

  private damaged(reason: string): DraftError {
    const path = this.files.pathOf(this.extent.file);
    return new DraftError(
      "DRAFT_FORMAT_CORRUPT",
      `Cannot read the content that a draft keeps in ${path}: ${reason}. The tree itself is not ` +
        "affected. Restore that file from a backup, or throw the draft away with draftfs discard.",
      { path },
    );
  }
}

/** The bytes of a lower file that a draft left where it is. */
export function lowerBytes(disk: Disk, path: string, node: NonNullable<Content["lower"]>): Content {
  return {
    size: node.stamp.size,
    lower: node,
    spilled: undefined,
    read(buffer, position) {
      const descriptor = disk.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return disk.read(descriptor, buffer, position);
      } finally {
        disk.close(descriptor);
      }
    },
  };
}
