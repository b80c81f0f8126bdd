import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { KIB } from "../limits.ts";
import type { Measurement } from "./measurement.ts";
import { leadsOutside } from "./measurement-place.ts";
import { type LoggedRecord, measurementOf, recordOf } from "./measurement-record.ts";

/** How a log is kept. */
export interface MeasurementLogOptions {
  readonly disk: Disk;
  /** Absolute path of the directory that it must not lie outside of. */
  readonly root: string;
  /** Absolute path of the file. */
  readonly path: string;
  /** Size of the file at most, in bytes (`max_file_size`). */
  readonly maxBytes: number;
  /** Age at which measurements are dropped, in milliseconds (`retention`). */
  readonly retentionMs: number;
  /** Time between two writes, in milliseconds (`interval`). */
  readonly intervalMs: number;
  readonly now?: () => number;
}

/** As much is read of the beginning and the end of a file: about a hundred lines. */
const edgeBytes = 32 * KIB;
/** Lines are dropped when they are older than they may be by this share of it, all at once. */
const ageSlack = 1 / 8;

/**
 * Keeps measurements in a file, one JSON object a line, and what is noted of them. They are
 * gathered and written once an interval: nothing waits for a disk. When the file would grow beyond
 * its bound, the oldest half of it goes, and everything that is too old.
 *
 * A log that cannot be written is given up, and never fails what is measured. Nothing is written
 * through a link, nor into a file that holds something else.
 */
export class MeasurementLog {
  readonly #options: MeasurementLogOptions;
  readonly #now: () => number;
  #lines: string[] = [];
  #writtenAtMs: number;
  #isLookedAt = false;
  #problem: Error | undefined;

  constructor(options: MeasurementLogOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#writtenAtMs = this.#now();
  }

  /** Why nothing is written any more. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** Takes a measurement in; fits a meter's observer. */
  readonly observe = (measurement: Measurement): void => {
    this.note(measurement);
    if (this.#now() - this.#writtenAtMs >= this.#options.intervalMs) this.flush();
  };

  /** Keeps a record with the next lines that are written. */
  note(record: LoggedRecord): void {
    if (this.#problem === undefined) this.#lines.push(`${JSON.stringify(record)}\n`);
  }

  /**
   * The measurements that the file ends with, oldest first: about a hundred, and none of a
   * file that cannot be read or holds something else.
   */
  recent(): Measurement[] {
    const { disk, path } = this.#options;
    try {
      const size = disk.lstat(path)?.size ?? 0;
      if (size === 0 || this.#isOutside()) return [];
      const text = this.#read(Math.max(0, size - edgeBytes), edgeBytes).toString("utf8");
      return linesOf(text).flatMap((line) => measurementOf(line) ?? []);
    } catch {
      return [];
    }
  }

  /** Writes what has been gathered; call it at the end. */
  flush(): void {
    this.#writtenAtMs = this.#now();
    if (this.#lines.length === 0 || this.#problem !== undefined) return;
    const added = Buffer.from(this.#keptOf(this.#lines, this.#options.maxBytes / 2).join(""));
    this.#lines = [];
    try {
      this.#append(added);
    } catch (error) {
      this.#problem = error instanceof Error ? error : new Error(String(error));
    }
  }

  #append(added: Buffer): void {
    const { disk, path, maxBytes } = this.#options;
    if (this.#isOutside()) throw outsideError(path);
    const node = disk.lstat(path);
    if (node !== undefined && node.kind !== "file") throw notOurs(path);
    const size = node?.size ?? 0;
    const isFull = size + added.length > maxBytes;
    if (size > 0 && (isFull || (!this.#isLookedAt && this.#needsPruning(size)))) {
      const lines = linesOf(disk.readFile(path).toString("utf8"));
      if (startOf(lines[0] ?? "") === undefined) throw notOurs(path);
      this.#replace(this.#keptOf(lines, isFull ? maxBytes / 2 : maxBytes));
    }
    this.#isLookedAt = true;
    this.#write(path, openFlags.append, added);
  }

  /**
   * Looks at both ends of the file, which may be large: whether it begins with lines that are too
   * old, or ends with one that a crash has torn.
   */
  #needsPruning(size: number): boolean {
    const head = this.#read(0, edgeBytes).toString("utf8");
    const startedAtMs = startOf(head.slice(0, head.indexOf("\n") + 1));
    // A path that was set by mistake must not cost anybody a file.
    if (startedAtMs === undefined) throw notOurs(this.#options.path);
    const ageMaxMs = this.#options.retentionMs * (1 + ageSlack);
    if (startedAtMs < this.#now() - ageMaxMs) return true;
    return this.#read(size - 1, 1).toString("latin1") !== "\n";
  }

  #isOutside(): boolean {
    const { disk, root, path } = this.#options;
    return leadsOutside(disk, root, path);
  }

  #read(position: number, length: number): Buffer {
    const { disk, path } = this.#options;
    const descriptor = disk.open(path, openFlags.read);
    try {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, disk.read(descriptor, buffer, position));
    } finally {
      disk.close(descriptor);
    }
  }

  #write(path: string, flags: number, bytes: Buffer): void {
    const { disk } = this.#options;
    const descriptor = disk.open(path, flags, 0o644);
    try {
      disk.write(descriptor, bytes);
    } finally {
      disk.close(descriptor);
    }
  }

  /** The youngest lines that fit into so many bytes, and are not too old; none that is torn. */
  #keptOf(lines: readonly string[], bytesMax: number): string[] {
    const oldestMs = this.#now() - this.#options.retentionMs;
    let bytes = 0;
    const kept: string[] = [];
    for (const line of lines.toReversed()) {
      const startedAtMs = startOf(line);
      if (startedAtMs === undefined) continue;
      bytes += Buffer.byteLength(line);
      if (bytes > bytesMax || startedAtMs < oldestMs) break;
      kept.push(line);
    }
    return kept.reverse();
  }

  /** A crash leaves the old file or the new one. */
  #replace(lines: readonly string[]): void {
    const { disk, path } = this.#options;
    const beside = `${path}.${process.pid}.tmp`;
    this.#write(beside, openFlags.createNew, Buffer.from(lines.join("")));
    disk.rename(beside, path);
  }
}

function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/);
}

/** When the operation of a line began; `undefined` for what is no whole line of ours. */
function startOf(line: string): number | undefined {
  return recordOf(line)?.startedAtMs;
}

function outsideError(path: string): Error {
  return new Error(
    `Cannot keep measurements in ${path}: a link leads there. ` +
      "Set metrics.storage.file_path to a file in a directory of the root itself.",
  );
}

function notOurs(path: string): Error {
  return new Error(
    `Cannot keep measurements in ${path}: it holds something else. ` +
      "Set metrics.storage.file_path to another file, or move that one away.",
  );
}
