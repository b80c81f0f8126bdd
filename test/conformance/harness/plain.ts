import { createHash } from "node:crypto";
import type { Stats } from "node:fs";

/** What makes values of two worlds comparable: their roots and their clocks. */
export interface Frame {
  readonly root: string;
  /** The directory that holds the root, where it is seen (outside of the overlay). */
  readonly outside: string;
  readonly timeOf: (timeNs: bigint) => string;
  readonly directoryLinks: boolean;
  /** Random names (of `mkdtemp`) and what stands for them. */
  readonly aliases: Map<string, string>;
}

const inlineBytesMax = 400;
const dayNs = 86_400_000_000_000n;

/**
 * Classifies times against the moment between seeding and running: times far from it were set
 * explicitly and compare exactly (to the microsecond, which is what Node can set), the rest is
 * `seeded` or `changed`.
 */
export function classifierOf(markerNs: bigint): (timeNs: bigint) => string {
  return (timeNs) => {
    const distance = timeNs - markerNs;
    if (distance > dayNs || distance < -dayNs) return `${(timeNs + 500n) / 1000n} us`;
    return distance <= 0n ? "seeded" : "changed";
  };
}

/** A value as plain data without what legitimately differs between two file systems. */
export function plainOf(value: unknown, frame: Frame): unknown {
  switch (typeof value) {
    case "string":
      return rootless(value, frame);
    case "bigint":
      return `${value}n`;
    case "function":
      return "function";
    case "object":
      return value === null ? null : plainObjectOf(value, frame);
    default:
      return value;
  }
}

function plainObjectOf(value: object, frame: Frame): unknown {
  if (value instanceof Error) return plainErrorOf(value, frame);
  if (ArrayBuffer.isView(value)) {
    return plainBytesOf(Buffer.from(value.buffer, value.byteOffset, value.byteLength), frame);
  }
  if (value instanceof Date) return frame.timeOf(BigInt(value.getTime()) * 1_000_000n);
  if (value instanceof URL) return rootless(value.href, frame);
  if (value instanceof Blob) return { blob: value.size };
  if ("isFile" in value && "mtimeMs" in value) return plainStatsOf(value as Stats, frame);
  if ("isFile" in value && "name" in value) return plainDirentOf(value, frame);
  if ("bsize" in value && "bfree" in value) return { statfs: Object.keys(value).sort() };
  if ("fd" in value && "appendFile" in value) return "FileHandle";
  if ("closeSync" in value && "path" in value) return { dir: rootless(String(value.path), frame) };
  if ("addListener" in value) return { emitter: value.constructor.name };
  if (Array.isArray(value)) return value.map((item) => plainOf(item, frame));
  const entries = Object.entries(value).map(([key, item]) => [key, plainOf(item, frame)]);
  return Object.fromEntries(entries);
}

/** Code, errno, syscall, path, dest and message: everything a program can look at. */
export function plainErrorOf(error: Error, frame: Frame): unknown {
  const fields = error as NodeJS.ErrnoException & { dest?: unknown };
  const result: Record<string, unknown> = {
    error: fields.code ?? error.name,
    message: rootless(error.message, frame),
  };
  for (const key of ["errno", "syscall", "path", "dest"] as const) {
    if (fields[key] !== undefined) result[key] = plainOf(fields[key], frame);
  }
  return fields.code?.startsWith("ERR_") ? { ...result, name: error.name } : result;
}

function plainBytesOf(bytes: Buffer, frame: Frame): unknown {
  const text = rootless(bytes.toString("latin1"), frame);
  if (text.length <= inlineBytesMax) return { bytes: text };
  return { bytes: `${text.length} bytes, sha1 ${createHash("sha1").update(text).digest("hex")}` };
}

function kindOf(value: object): string {
  const tests = ["isFile", "isDirectory", "isSymbolicLink", "isFIFO", "isSocket"] as const;
  const stats = value as Stats;
  return tests.filter((test) => stats[test]()).join("+");
}

function plainStatsOf(stats: Stats, frame: Frame): unknown {
  const big = typeof stats.mtimeMs === "bigint";
  const exact = stats as unknown as { mtimeNs: bigint; ctimeNs: bigint };
  const isDirectory = stats.isDirectory();
  return {
    stats: big ? "bigint" : "number",
    kind: kindOf(stats),
    mode: stats.mode.toString(8),
    owner: `${stats.uid}:${stats.gid}`,
    ...(isDirectory ? {} : { size: Number(stats.size) }),
    ...(isDirectory && !frame.directoryLinks ? {} : { nlink: Number(stats.nlink) }),
    mtime: frame.timeOf(big ? exact.mtimeNs : nanosecondsOf(stats.mtimeMs)),
    ctime: frame.timeOf(big ? exact.ctimeNs : nanosecondsOf(stats.ctimeMs)),
    type: stats.constructor.name,
  };
}

function nanosecondsOf(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n;
}

function plainDirentOf(entry: object, frame: Frame): unknown {
  const { name, parentPath } = entry as { name: unknown; parentPath: unknown };
  return { name: plainOf(name, frame), parent: plainOf(parentPath, frame), kind: kindOf(entry) };
}

function rootless(text: string, frame: Frame): string {
  let plain = text.split(frame.root).join("<root>").split(frame.outside).join("<outside>");
  for (const [name, alias] of frame.aliases) plain = plain.split(name).join(alias);
  return plain;
}
