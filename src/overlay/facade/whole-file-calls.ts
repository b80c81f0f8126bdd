import {
  checkArguments,
  constants,
  realFileSystem as real,
} from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { readFileBytesMax } from "../../limits.ts";
import { makeFile } from "../calls/name-changes.ts";
import { openFile, readFrom, replaceContent, truncateOpen, writeTo } from "../calls/open.ts";
import { FileContent } from "../content/file-content.ts";
import { pageBytes } from "../content/page.ts";
import type { Core } from "../core.ts";
import { isPermitted, mayRead, mayWrite, requireAccess } from "../credentials.ts";
import type { OpenFile } from "../descriptors.ts";
import { codeOf, Fault, fileSystemError } from "../file-system-error.ts";
import type { Node } from "../node.ts";
import { exists, type Place } from "../path/path-walk.ts";
import { requireCreatable } from "../path/sticky-directory.ts";
import {
  bytesOf,
  encodingOf,
  flagsOf,
  modeOf,
  optionsOf,
  type PathArgument,
  pathOf,
  shownPath,
} from "./arguments.ts";
import { attempt, attemptOn } from "./attempt.ts";
import type { Calls } from "./calls.ts";
import { codedError } from "./coded-error.ts";
import { lengthOf, truncateDescriptor } from "./descriptor-calls.ts";

/** The functions on the whole content of a file. */
export function wholeFileCalls(core: Core) {
  return {
    readFile(path: PathArgument | number, options?: unknown): string | Buffer {
      const encoding = encodingOf(options);
      const flag = optionsOf(options)["flag"];
      if (typeof path === "string" && flag === undefined) {
        const content = upperContent(core, path);
        if (content !== undefined) return contentOf(content, encoding);
      }
      const bytes = readWhole(core, path, flag);
      return encoding === undefined ? bytes : bytes.toString(encoding as BufferEncoding);
    },

    writeFile(path: PathArgument | number, data: unknown, options?: unknown): void {
      writeWhole(core, path, data, options, "w");
    },

    appendFile(path: PathArgument | number, data: unknown, options?: unknown): void {
      writeWhole(core, path, data, options, "a");
    },

    truncate(path: PathArgument, length?: unknown): void {
      if (typeof path === "number") {
        // Node takes descriptors here up to release 23, and warns of it. Ours mean nothing to it.
        const ask = (): void => (real.truncateSync as (...input: unknown[]) => void)(path, length);
        if (core.descriptors.isOwn(path)) {
          checkArguments(ask);
          truncateDescriptor(core, path, length);
        } else ask();
        return;
      }
      const target = pathOf(path);
      const file = attempt("open", path, undefined, () =>
        openFile(core, target, constants.O_RDWR, 0),
      );
      const size = lengthOf(length);
      attemptOn("ftruncate", () => truncateOpen(core, file, size));
    },
  };
}

/** The content of a file of the upper that may be read, found without opening it. */
function upperContent(core: Core, path: string): FileContent | undefined {
  const target = pathOf(path);
  return attempt("open", path, undefined, () => {
    const place = core.resolve(target, "always");
    if (place.found?.kind !== "upper" || place.trailingSlash) return undefined;
    const { node } = place.found;
    if (node.kind !== "file" || node.content.untouched !== undefined) return undefined;
    requireAccess(node, mayRead);
    return node.content;
  });
}

function contentOf(
  content: FileContent,
  encoding: BufferEncoding | "buffer" | undefined,
): string | Buffer {
  const { piece, size } = content;
  // Node takes "buffer" for an encoding here, of which it then finds that there is none.
  const text = encoding as BufferEncoding | undefined;
  if (piece === undefined) {
    requireReadable(size);
    const bytes = Buffer.allocUnsafeSlow(size);
    attemptOn("read", () => content.read(bytes, 0));
    return text === undefined ? bytes : bytes.toString(text);
  }
  return pieceOf(piece, size, text);
}

/** The first `size` bytes of a piece of memory: as text, or in a buffer of their own. */
export function pieceOf(
  piece: Uint8Array,
  size: number,
  encoding: BufferEncoding | undefined,
): string | Buffer {
  if (encoding !== undefined) {
    return Buffer.from(piece.buffer, piece.byteOffset, size).toString(encoding);
  }
  // From the pool where it is small, as `fs.readFileSync` does.
  const bytes = Buffer.allocUnsafe(size);
  bytes.set(size === piece.length ? piece : piece.subarray(0, size));
  return bytes;
}

/** Bytes in memory of their own, as the callback and promise forms of `readFile` give them. */
export function unpooled<T>(content: T): T | Buffer {
  if (!Buffer.isBuffer(content) || content.buffer.byteLength === content.length) return content;
  const bytes = Buffer.allocUnsafeSlow(content.length);
  content.copy(bytes);
  return bytes;
}

/** A whole file, as the callback and promise forms tell it. */
export function readLater(
  calls: Pick<Calls, "readFile">,
  path: PathArgument | number,
  options?: unknown,
): string | Buffer {
  try {
    return unpooled(calls.readFile(path, options));
  } catch (error) {
    const isNamed = typeof path !== "number" && nodeHabits.readLaterNamesPath;
    throw isNamed && codeOf(error) === "EISDIR"
      ? fileSystemError("EISDIR", { syscall: "read", path: shownPath(path) })
      : error;
  }
}

function readWhole(core: Core, path: PathArgument | number, flag: unknown): Buffer {
  if (typeof path === "number") {
    if (!core.descriptors.isOwn(path)) return real.readFileSync(path);
    const file = attemptOn("fstat", () => core.descriptors.get(path));
    return attemptOn("read", () => readRest(core, file));
  }
  const target = pathOf(path);
  const flags = flagsOf(flag, "r");
  const file = attempt("open", path, undefined, () => openFile(core, target, flags, 0o666));
  const descriptor = core.descriptors.add(file);
  try {
    return attemptOn("read", () => readRest(core, file));
  } finally {
    core.descriptors.close(descriptor);
  }
}

/** All bytes from the position of an open file to its end. */
export function readRest(core: Core, file: OpenFile): Buffer {
  if (!file.isReadable) throw new Fault("EBADF");
  if (file.lowerDescriptor !== undefined && file.position === 0) {
    const bytes = core.lower.readWhole(file.lowerDescriptor);
    file.position = bytes.length;
    return bytes;
  }
  const size = core.sizeOf(file);
  requireReadable(size);
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, size - file.position));
  const count = readFrom(core, file, buffer, undefined);
  return count === buffer.length ? buffer : buffer.subarray(0, count);
}

/** @throws `ERR_FS_FILE_TOO_LARGE` as Node, before memory is asked for that there may not be. */
function requireReadable(size: number): void {
  if (size <= readFileBytesMax) return;
  const message = `File size (${size}) is greater than 2 GiB`;
  throw codedError("ERR_FS_FILE_TOO_LARGE", message, RangeError);
}

function writeWhole(
  core: Core,
  path: PathArgument | number,
  data: unknown,
  options: unknown,
  fallback: string,
): void {
  const { flag, mode, flush } = optionsOf(options);
  if (flush !== undefined && flush !== null && typeof flush !== "boolean") {
    checkArguments((nowhere) => real.writeFileSync(nowhere, "", { flush } as object));
  }
  const bytes = bytesOf(data, encodingOf(options));
  if (typeof path === "number") {
    writeOpen(core, path, bytes);
    return;
  }
  const target = pathOf(path);
  const flags = flagsOf(flag || fallback, fallback);
  const bits = modeOf(mode, 0o666);
  const isOwn = typeof data === "string";
  if (flags === truncating && bytes.length <= pageBytes) {
    const outcome = attempt("open", path, undefined, () =>
      replaceFile(core, target, { bytes, isOwn, mode: bits, unlessSame: false }),
    );
    if (outcome === "replaced") return;
  }
  const file = attempt("open", path, undefined, () => openFile(core, target, flags, bits));
  if (bytes.length > 0) attemptOn("write", () => writeTo(core, file, bytes, undefined));
}

const truncating = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;

/**
 * Writes a file as `writeFile` does, unless it has this very content already. Its size is met on
 * the way, so that nearly always this costs nothing.
 *
 * @returns whether it was written.
 */
export function writeUnlessSame(core: Core, path: string, data: Uint8Array): boolean {
  const bytes = bytesOf(data, undefined);
  const target = pathOf(path);
  const outcome = attempt("open", path, undefined, () => {
    if (bytes.length <= pageBytes) {
      return replaceFile(core, target, { bytes, isOwn: false, mode: 0o666, unlessSame: true });
    }
    return holds(core, target, core.resolve(target, "for creation"), bytes) ? "same" : "elsewhere";
  });
  if (outcome === "same") return false;
  if (outcome === "elsewhere") writeWhole(core, path, bytes, undefined, "w");
  return true;
}

interface Replacement {
  readonly bytes: Uint8Array;
  readonly isOwn: boolean;
  readonly mode: number;
  readonly unlessSame: boolean;
}

/** Gives a new file, or one of the upper, its whole content in one step. */
function replaceFile(
  core: Core,
  path: string,
  { bytes, isOwn, mode, unlessSame }: Replacement,
): "replaced" | "same" | "elsewhere" {
  const place = core.resolve(path, "for creation");
  if (place.trailingSlash || place.last !== "name") return "elsewhere";
  if (exists(place)) requireCreatable(core.tree, place.directory, place.found);
  if (unlessSame && holds(core, path, place, bytes)) return "same";
  const node = nodeAt(core, place);
  if (node === "elsewhere") return "elsewhere";
  if (node !== undefined && node.kind !== "file") return "elsewhere";
  const content = FileContent.ofPage(isOwn ? bytes : copyOf(bytes), core.memory.budget);
  if (node === undefined) {
    makeFile(core, place, mode, content);
    return "replaced";
  }
  core.requireChangeable(place);
  requireAccess(node, mayWrite);
  replaceContent(core, node, content);
  return "replaced";
}

/**
 * Whether the file at a place has this content; it is read only if it has this size.
 *
 * @throws {Fault} what writing it would meet.
 */
function holds(core: Core, path: string, place: Place, bytes: Uint8Array): boolean {
  const { found, trailingSlash } = place;
  if (found === undefined || trailingSlash) return false;
  if (found.kind === "lower") {
    if (found.stats.size !== bytes.length || !found.stats.isFile()) return false;
  } else if (found.node.kind !== "file" || found.node.content.size !== bytes.length) return false;
  core.requireChangeable(place);
  const { mode, uid, gid } = found.kind === "lower" ? found.stats : found.node;
  const facts = { mode, uid, gid, kind: "file" } as const;
  requireAccess(facts, mayWrite);
  return isPermitted(facts, mayRead) && readWhole(core, path, undefined).equals(bytes);
}

/** The node to write to, a file of the lower being taken up; what is no file others deal with. */
function nodeAt(core: Core, place: Place): Node | "elsewhere" | undefined {
  if (!exists(place)) return undefined;
  const { found } = place;
  if (found.kind === "upper") return found.node;
  if (!found.stats.isFile()) return "elsewhere";
  core.requireChangeable(place);
  const { mode, uid, gid } = found.stats;
  requireAccess({ mode, uid, gid, kind: "file" }, mayWrite);
  return core.copyUp(place);
}

function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}

function writeOpen(core: Core, descriptor: number, bytes: Uint8Array): void {
  // Node asks the system for nothing then.
  if (bytes.length === 0 && core.descriptors.isOwn(descriptor)) return;
  if (core.descriptors.isOwn(descriptor)) {
    attemptOn("write", () => writeTo(core, core.descriptors.get(descriptor), bytes, undefined));
    return;
  }
  real.writeFileSync(descriptor, bytes);
}
