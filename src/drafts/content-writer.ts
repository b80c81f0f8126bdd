import { constants } from "node:fs";
import { dataPiecesOf } from "../disk/data-pieces.ts";
import type { Disk } from "../disk/disk.ts";
import { chunkBytes, draftFileBytesMin } from "../limits.ts";
import { chunksOf } from "../overlay/content/content.ts";
import type { Content } from "../overlay/pending/pending.ts";
import { type StoredContent, sumOf } from "./draft-index.ts";
import { PieceSums } from "./piece-sums.ts";

type Extent = Extract<StoredContent, { kind: "stored" }>;

/** Flushes in flight; libuv has four threads for them by default. */
const flushesMax = 4;

const createFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes the content of one generation of a draft: small ones one after another into one `data`
 * file, in pieces of 1 MiB; each large one into a file of its own, by a link where the overlay has
 * spilled it already.
 */
export class ContentWriter {
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly generation: number;
  /** Paths of the large files, which have to be durable before the index names them. */
  private readonly largePaths: string[] = [];
  private data: { readonly name: string; readonly descriptor: number } | undefined;
  private buffered: Buffer[] = [];
  private bufferedBytes = 0;
  private dataBytes = 0;

  constructor(disk: Disk, directory: string, generation: number) {
    this.disk = disk;
    this.directory = directory;
    this.generation = generation;
  }

  add(content: Content): Extent {
    return content.size >= draftFileBytesMin ? this.addLarge(content) : this.addSmall(content);
  }

  /** Writes what is buffered and makes all of it durable. */
  async finish(): Promise<void> {
    this.flush();
    const flushes = this.data === undefined ? [] : [this.disk.fsync(this.data.descriptor)];
    const workers = Math.min(flushesMax, this.largePaths.length);
    for (let worker = 0; worker < workers; worker++) flushes.push(this.flushLargeFiles());
    const results = await Promise.allSettled(flushes);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  close(): void {
    if (this.data !== undefined) this.disk.close(this.data.descriptor);
    this.data = undefined;
  }

  /** Takes large files one by one until none is left; several of these run at a time. */
  private async flushLargeFiles(): Promise<void> {
    for (;;) {
      const path = this.largePaths.pop();
      if (path === undefined) return;
      const descriptor = this.disk.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        await this.disk.fsync(descriptor);
      } finally {
        this.disk.close(descriptor);
      }
    }
  }

  private addSmall(content: Content): Extent {
    const name = this.dataFile().name;
    const offset = this.dataBytes;
    // Only when all of it was read: nothing may be left of a content that cannot be.
    const chunks = Array.from(chunksOf(content), (chunk) => Buffer.from(chunk));
    const sums = chunks.map(sumOf);
    const size = chunks.reduce((bytes, chunk) => bytes + chunk.length, 0);
    this.buffered.push(...chunks);
    this.bufferedBytes += size;
    this.dataBytes += size;
    if (this.bufferedBytes >= chunkBytes) this.flush();
    return { kind: "stored", file: name, offset, size, sums };
  }

  private addLarge(content: Content): Extent {
    const file = `file-${this.generation}-${this.largePaths.length}`;
    const path = `${this.directory}/${file}`;
    this.largePaths.push(path);
    const linked = content.spilled !== undefined && this.tryLink(content.spilled, path);
    const descriptor = linked ? undefined : this.disk.open(path, createFlags, 0o600);
    const sums = new PieceSums(content.size);
    let end = 0;
    try {
      for (const { bytes, position } of dataPiecesOf(content)) {
        sums.add(bytes, position);
        if (descriptor !== undefined) this.disk.write(descriptor, bytes, position);
        end = position + bytes.length;
      }
      if (descriptor !== undefined && end < content.size) {
        this.disk.truncate(descriptor, content.size);
      }
    } finally {
      if (descriptor !== undefined) this.disk.close(descriptor);
    }
    return { kind: "stored", file, offset: 0, size: content.size, sums: sums.end() };
  }

  private tryLink(source: string, target: string): boolean {
    try {
      this.disk.link(source, target);
      return true;
    } catch {
      // Another file system, or one without links: the bytes are copied instead.
      return false;
    }
  }

  private dataFile(): { readonly name: string; readonly descriptor: number } {
    if (this.data === undefined) {
      const name = `data-${this.generation}`;
      const descriptor = this.disk.open(`${this.directory}/${name}`, createFlags, 0o600);
      this.data = { name, descriptor };
    }
    return this.data;
  }

  private flush(): void {
    if (this.data === undefined || this.bufferedBytes === 0) return;
    this.disk.write(this.data.descriptor, Buffer.concat(this.buffered));
    this.buffered = [];
    this.bufferedBytes = 0;
  }
}
