import { fileURLToPath } from "node:url";
import {
  checkArguments,
  constants,
  realFileSystem as real,
} from "../../disk/lower/lower-classes.ts";
import { decodeName, encodePath, isWellFormed } from "../../disk/names.ts";
import { kernelTimeOf } from "../../disk/node/node-time.ts";
import type { Instant } from "../instant.ts";

/** A path argument as every function of `node:fs` takes it. */
export type PathArgument = string | Uint8Array | URL;

/** Which argument of which function a path is, for the error when it is none. */
export type PathRole =
  | "path"
  | "oldPath"
  | "newPath"
  | "src"
  | "dest"
  | "target"
  | "existingPath"
  | "prefix"
  | "link";

const checks: Readonly<Record<PathRole, (value: never, nowhere: string) => unknown>> = {
  path: (value) => real.accessSync(value),
  oldPath: (value, nowhere) => real.renameSync(value, nowhere),
  newPath: (value, nowhere) => real.renameSync(nowhere, value),
  src: (value, nowhere) => real.copyFileSync(value, nowhere),
  dest: (value, nowhere) => real.copyFileSync(nowhere, value),
  target: (value, nowhere) => real.symlinkSync(value, nowhere),
  prefix: (value) => real.mkdtempSync(value),
  existingPath: (value, nowhere) => real.linkSync(value, nowhere),
  // Node 20 calls the argument of `readlink` by another name.
  link: (value) => real.readlinkSync(value),
};

/**
 * The path that an argument means, with undecodable bytes escaped.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` and those of `fileURLToPath`, as Node.
 */
export function pathOf(value: unknown, role: PathRole = "path"): string {
  if (typeof value === "string") {
    if (value.includes("\0")) refuse(value, role);
    // Node writes a lone surrogate as U+FFFD, and here it would mean an undecodable byte.
    return isWellFormed(value) ? value : Buffer.from(value).toString();
  }
  if (value instanceof Uint8Array) {
    if (value.includes(0)) refuse(value, role);
    return decodeName(value);
  }
  if (isUrl(value)) {
    const path = fileURLToPath(value);
    if (path.includes("\0")) refuse(value, role);
    return path;
  }
  return refuse(value, role);
}

/**
 * What `take` makes of paths, for functions of which some releases look at other arguments first:
 * where a path is wrong, Node says which mistake it tells.
 *
 * @param call of Node, which has no effect for such a path.
 */
export function toldByNode<Result>(take: () => Result, call: () => unknown): Result {
  try {
    return take();
  } catch (error) {
    checkArguments(call);
    throw error;
  }
}

/** Whether it is a URL to Node, which takes those of other realms and libraries for one. */
export function isUrl(value: unknown): value is URL {
  if (value instanceof URL) return true;
  if (typeof value !== "object" || value === null) return false;
  const { href, protocol, auth, path } = value as Readonly<Record<string, unknown>>;
  return Boolean(href) && Boolean(protocol) && auth === undefined && path === undefined;
}

function refuse(value: unknown, role: PathRole): never {
  checkArguments((nowhere) => checks[role](value as never, nowhere));
  throw new TypeError(`The "${role}" argument is not a path`);
}

/** The path as an error of Node shows it. */
export function shownPath(value: unknown): string {
  if (typeof value === "string") return value;
  if (isUrl(value)) return fileURLToPath(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return String(value);
}

/** A name or path in the encoding that the caller asked for. */
export function encodeResult(name: string, encoding: unknown): string | Buffer {
  const isPlain = encoding === undefined || encoding === null || encoding === "utf8";
  const exact = encodePath(name);
  if ((isPlain || encoding === "utf-8") && typeof exact === "string") return exact;
  const bytes = typeof exact === "string" ? Buffer.from(exact) : exact;
  if (encoding === "buffer") return bytes;
  return bytes.toString(isPlain ? "utf8" : (encoding as BufferEncoding));
}

/** The `encoding` of options that may be the encoding itself; what is falsy is none, as in Node. */
export function encodingOf(options: unknown): BufferEncoding | "buffer" | undefined {
  const given = typeof options === "string" ? { encoding: options } : optionsOf(options);
  const { encoding, signal } = given as { readonly encoding?: unknown; readonly signal?: unknown };
  // Checked also where it is not heeded.
  if (signal !== undefined) {
    checkArguments((nowhere) => real.readFileSync(nowhere, { signal } as object));
  }
  if (!encoding) return undefined;
  if (encoding !== "buffer" && !Buffer.isEncoding(encoding as string)) {
    checkArguments((nowhere) => real.readFileSync(nowhere, { encoding } as object));
  }
  return encoding as BufferEncoding | "buffer";
}

/** Options as an object; encodings, callbacks and absent options are an empty one. */
export function optionsOf(options: unknown): Readonly<Record<string, unknown>> {
  if (options === undefined || options === null || typeof options === "string") return noOptions;
  if (typeof options === "object") return options as Readonly<Record<string, unknown>>;
  if (typeof options === "function") return noOptions;
  checkArguments((nowhere) => real.readFileSync(nowhere, options as never));
  return noOptions;
}

/** What the calls that tell about a file can be asked for. */
export interface StatOptions {
  readonly bigint?: unknown;
  readonly throwIfNoEntry?: unknown;
}

/**
 * Options of `stat` and its like, of which Node only looks at two fields: `paths.map(fs.statSync)`
 * passes a number.
 */
export function statOptionsOf(options: unknown): StatOptions {
  return options === undefined ? noOptions : (options as StatOptions);
}

/** One for all calls: most have no options. */
const noOptions: Readonly<Record<string, unknown>> = Object.freeze({});

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants;

const flagsByName: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  rs: O_RDONLY | O_SYNC,
  sr: O_RDONLY | O_SYNC,
  "r+": O_RDWR,
  "rs+": O_RDWR | O_SYNC,
  "sr+": O_RDWR | O_SYNC,
  w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  xw: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  "w+": O_TRUNC | O_CREAT | O_RDWR,
  "wx+": O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  "xw+": O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY,
  ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  xa: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  sa: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  "a+": O_APPEND | O_CREAT | O_RDWR,
  "ax+": O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  "xa+": O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  "as+": O_APPEND | O_CREAT | O_RDWR | O_SYNC,
  "sa+": O_APPEND | O_CREAT | O_RDWR | O_SYNC,
};

/** Numeric `O_…` flags. @throws `ERR_INVALID_ARG_VALUE` as Node. */
export function flagsOf(flags: unknown, fallback: string): number {
  const given = flags ?? fallback;
  if (typeof given === "string" && Object.hasOwn(flagsByName, given)) {
    return flagsByName[given] as number;
  }
  // Numbers of 32 bits are all right: asking Node would cost an opening that fails.
  const isNumber = typeof given === "number" && (given | 0) === given;
  if (!isNumber) checkArguments((nowhere) => real.openSync(nowhere, given as string));
  return given as number;
}

/** Permission bits from a number or an octal string. @throws as Node. */
export function modeOf(mode: unknown, fallback: number): number {
  if (mode === undefined || mode === null) return fallback;
  if (typeof mode === "number" && mode >>> 0 === mode) return mode;
  checkArguments((nowhere) => real.chmodSync(nowhere, mode as string));
  return typeof mode === "string" ? Number.parseInt(mode, 8) : (mode as number);
}

/** What the calls that set times are given. */
export interface Times {
  readonly atime: Instant;
  readonly mtime: Instant;
}

/**
 * The time arguments of `utimes`: numbers, numeric strings or dates, in seconds.
 *
 * @param check calls Node's own function, which throws what it does not take for a time.
 */
export function timesOf(
  atime: unknown,
  mtime: unknown,
  check: (nowhere: string, atime: number, mtime: number) => void,
): Times {
  if (!isPlainTime(atime) || !isPlainTime(mtime)) {
    checkArguments((nowhere) => check(nowhere, atime as number, mtime as number));
  }
  return { atime: timeOf(atime), mtime: timeOf(mtime) };
}

function isPlainTime(time: unknown): boolean {
  return typeof time === "number" && Number.isFinite(time);
}

/** A negative number is the present to Node, but not its text, nor a date. */
function timeOf(time: unknown): Instant {
  if (typeof time === "number") return kernelTimeOf(time < 0 ? Date.now() / 1000 : time);
  return kernelTimeOf(time instanceof Date ? time.getTime() / 1000 : Number(time));
}

/** Bytes of content that is to be written. @throws `ERR_INVALID_ARG_TYPE` as Node. */
export function bytesOf(data: unknown, encoding: unknown): Uint8Array {
  if (typeof data === "string") {
    return Buffer.from(data, (encoding ?? "utf8") as BufferEncoding);
  }
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  checkArguments((nowhere) => real.writeFileSync(nowhere, data as string));
  throw new TypeError('The "data" argument is not text or bytes');
}
