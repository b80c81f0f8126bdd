import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import type { Measurement } from "./measurement.ts";

/** How a log is kept. */
export interface MeasurementLogOptions {
  readonly disk: Disk;
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

/**
 * Keeps measurements in a file, one JSON object a line. They are gathered and written once an
 * interval: nothing waits for a disk. When the file would grow beyond its bound, the oldest half of
 * it goes, and everything that is too old.
 *
 * A log that cannot be written is given up, and never fails what is measured.
 */
export class MeasurementLog {
  readonly #options: MeasurementLogOptions;
  readonly #now: () => number;
  #lines: string[] = [];
  #writtenAtMs: number;
  #isPruned = false;
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
    if (this.#problem !== undefined) return;
    this.#lines.push(`${JSON.stringify(measurement)}\n`);
    if (this.#now() - this.#writtenAtMs >= this.#options.intervalMs) this.flush();
  };

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
    const node = disk.lstat(path);
    if (node !== undefined && node.kind !== "file") throw notOurs(path);
    const size = node?.size ?? 0;
    if (size > 0 && (!this.#isPruned || size + added.length > maxBytes)) {
      this.#isPruned = true;
      const lines = disk
        .readFile(path)
        .toString("utf8")
        .split(/(?<=\n)/);
      // A path that was set by mistake must not cost anybody a file.
      if (startOf(lines[0] ?? "") === undefined) throw notOurs(path);
      const isFull = size + added.length > maxBytes;
      const kept = this.#keptOf(lines, isFull ? maxBytes / 2 : maxBytes);
      if (isFull || kept.length < lines.length) this.#replace(kept);
    }
    const end = disk.lstat(path)?.size;
    if (end === undefined) this.#write(path, openFlags.createNew, added, 0);
    else this.#write(path, openFlags.update, added, end);
  }

  #write(path: string, flags: number, bytes: Buffer, position: number): void {
    const { disk } = this.#options;
    const descriptor = disk.open(path, flags, 0o644);
    try {
      disk.write(descriptor, bytes, position);
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
    this.#write(beside, openFlags.createOrTruncate, Buffer.from(lines.join("")), 0);
    disk.rename(beside, path);
  }
}

/** When the operation of a line began; `undefined` for what is no whole line of ours. */
function startOf(line: string): number | undefined {
  if (!line.endsWith("\n")) return undefined;
  try {
    const { id, startedAtMs } = JSON.parse(line) as { id?: unknown; startedAtMs?: unknown };
    return typeof id === "string" && typeof startedAtMs === "number" ? startedAtMs : undefined;
  } catch {
    return undefined;
  }
}

function notOurs(path: string): Error {
  return new Error(
    `Cannot keep measurements in ${path}: it holds something else. ` +
      "Set metrics.storage.file_path to another file, or move that one away.",
  );
}
