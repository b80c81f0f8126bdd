import type { HeldDirectory } from "../../disk/lower/held-directory.ts";
import { readWithoutFollowing } from "../../disk/lower/lower.ts";
import { Dirent, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { KIB } from "../../limits.ts";
import { type Core, untouched } from "../core.ts";
import { credentials, isForAll, isPermitted, mayRead } from "../credentials.ts";
import { Fault } from "../file-system-error.ts";
import type { Node } from "../node.ts";
import { type Call, nextTurn } from "./asynchronous.ts";
import type { Calls } from "./calls.ts";
import { lookShortcuts } from "./untouched-looks.ts";
import { pieceOf } from "./whole-file-calls.ts";

/**
 * Shortcuts for paths that the overlay has not touched: the real call of the same form, on a path
 * whose meaning is known. Whatever is not plain, and every failure, goes the long way, which knows
 * how to tell it.
 */
export function withShortcuts(core: Core, calls: Calls): Calls {
  if (!core.lower.native) return calls;
  return {
    ...calls,
    ...lookShortcuts(core, calls),
    readFile: readFileShortcut(core, calls.readFile) as Calls["readFile"],
    readdir: readdirShortcut(core, calls.readdir) as Calls["readdir"],
  };
}

interface DirectOptions {
  readonly flag: string;
  readonly encoding?: BufferEncoding;
}

const plainOptions: DirectOptions = { flag: readWithoutFollowing as unknown as string };
const encodedOptions = new Map<unknown, DirectOptions>();

/** Options that read the same without following a link, `undefined` where they ask for more. */
function readOptionsOf(options: unknown): DirectOptions | undefined {
  if (options === undefined || options === null) return plainOptions;
  if (typeof options !== "string" && typeof options !== "object") return undefined;
  const given = typeof options === "string" ? { encoding: options } : (options as ReadOptions);
  if (given.signal !== undefined || (given.flag !== undefined && given.flag !== "r")) {
    return undefined;
  }
  const known = encodedOptions.get(given.encoding);
  if (known !== undefined) return known;
  if (typeof given.encoding !== "string" || !Buffer.isEncoding(given.encoding)) {
    return given.encoding === undefined || given.encoding === null ? plainOptions : undefined;
  }
  const made = { ...plainOptions, encoding: given.encoding as BufferEncoding };
  encodedOptions.set(given.encoding, made);
  return made;
}

interface ReadOptions {
  readonly encoding?: unknown;
  readonly flag?: unknown;
  readonly signal?: unknown;
}

function canReadDirectly(core: Core, path: unknown): path is string {
  return typeof path === "string" && core.tree.linked.size === 0 && core.peek(path) === untouched;
}

function readFileShortcut(core: Core, slow: Calls["readFile"]) {
  return (path: unknown, options?: unknown): unknown => {
    const found = typeof path === "string" ? core.peek(path) : undefined;
    const direct = found === undefined ? undefined : readOptionsOf(options);
    if (found === untouched && direct !== undefined && core.tree.linked.size === 0) {
      try {
        return readOpened(core, path as string, direct);
      } catch {
        // Told the long way.
      }
    } else if (found !== untouched && found?.kind === "file" && direct !== undefined) {
      const { piece, size } = found.content;
      if (piece !== undefined && mayBeRead(found)) {
        return pieceOf(piece, size, direct.encoding);
      }
    }
    return slow(path as string, options);
  };
}

function mayBeRead(node: Node): boolean {
  if (isForAll(node, mayRead)) return true;
  credentials.refresh();
  return isPermitted(node, mayRead);
}

/** Larger files are left to Node, which reads them in pieces. */
const onePieceBytesMax = 1 << 20;

/** Small files pass through here: what their size is, reading them tells. */
const smallFile: Buffer = Buffer.allocUnsafeSlow(64 * KIB);

/** Reads a file of the lower by a descriptor that is known to be of a file below the root. */
function readOpened(core: Core, path: string, { encoding }: DirectOptions): unknown {
  const { lower } = core;
  const descriptor = lower.open(path);
  try {
    const length = lower.readSmall(descriptor, smallFile);
    if (length !== undefined) {
      if (encoding !== undefined) return smallFile.toString(encoding, 0, length);
      const bytes = Buffer.allocUnsafe(length);
      smallFile.copy(bytes, 0, 0, length);
      return bytes;
    }
    return readLarge(core, descriptor, encoding);
  } finally {
    lower.close(descriptor);
  }
}

/** Its size has to be asked for to know that it is a file: Node would ask again. */
function readLarge({ lower }: Core, descriptor: number, encoding?: BufferEncoding): unknown {
  const size = lower.sizeOf(descriptor);
  if (size === undefined) throw new Fault("EACCES");
  if (size > 0 && size <= onePieceBytesMax) {
    const bytes = Buffer.allocUnsafe(size);
    const isWhole = lower.read(descriptor, bytes, 0) === size;
    if (isWhole) return encoding === undefined ? bytes : bytes.toString(encoding);
  }
  return real.readFileSync(descriptor, encoding);
}

/**
 * {@link readOpened}, by Node's own threads.
 *
 * Node forgets an error of reading a descriptor that it did not open itself (`fs.readFile` of
 * Node 20 to 26 then calls back with what it has), so that the size tells whether all was read.
 */
async function readOpenedLater(core: Core, path: string, options: DirectOptions): Promise<unknown> {
  const descriptor = core.lower.open(path);
  try {
    const size = core.lower.sizeOf(descriptor);
    if (size === undefined) throw new Fault("EACCES");
    const content = await new Promise<Buffer>((resolve, reject) => {
      real.readFile(descriptor, (error, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      );
    });
    const isWhole = content.length > 0 && content.length === size;
    if (!isWhole) throw new Fault("EIO");
    return options.encoding === undefined ? content : content.toString(options.encoding);
  } finally {
    core.lower.close(descriptor);
  }
}

function readdirShortcut(core: Core, slow: Calls["readdir"]) {
  return (path: unknown, options?: unknown): unknown => {
    if (typeof path === "string" && isPlainListing(options) && core.isPlainDirectory(path)) {
      try {
        return listHeld(core, path, options);
      } catch {
        // Told the long way.
      }
    }
    return slow(path as string, options);
  };
}

function listHeld(core: Core, path: string, options: unknown): unknown {
  const held = core.lower.hold(path);
  if (held === undefined) return real.readdirSync(path, options as undefined);
  try {
    const names = isPresent(options) ? undefined : held.names();
    return names ?? inParent(path, real.readdirSync(held.path, options as undefined));
  } finally {
    held.close();
  }
}

/** Directories that are held at once, at most: descriptors are few. */
const heldMax = 64;
let heldCount = 0;

/** Up to this size a directory has few names, which are read in less time than a thread takes. */
const smallDirectoryBytes = 4 * KIB;
/** Where that does not tell, as on ZFS: some 1,000 names. */
const namesAtOnceBytesMax = 32 * KIB;

/**
 * {@link listHeld}, by Node's own threads; at once where there are few names, and where too many
 * directories are being listed already.
 */
async function listHeldLater(core: Core, path: string, options: unknown): Promise<unknown> {
  if (heldCount >= heldMax) return listHeld(core, path, options);
  const held = core.lower.hold(path);
  if (held === undefined) return real.promises.readdir(path, options as undefined);
  heldCount += 1;
  try {
    const names = isPresent(options) ? undefined : namesOfSmall(held);
    if (names === undefined) return inParent(path, await readdirLater(held.path, options));
    await nextTurn();
    return names;
  } finally {
    heldCount -= 1;
    held.close();
  }
}

function namesOfSmall(held: HeldDirectory): string[] | undefined {
  return held.sizeBytes() > smallDirectoryBytes ? undefined : held.names(namesAtOnceBytesMax);
}

/** `promises.readdir` takes longer than this. */
function readdirLater(path: string, options: unknown): Promise<string[]> {
  return new Promise((resolve, reject) => {
    real.readdir(path, options as undefined, (error, names) =>
      error === null ? resolve(names) : reject(error),
    );
  });
}

/** Gives entries the parent that was asked for. */
function inParent(path: string, entries: unknown[]): unknown[] {
  for (const entry of entries) {
    if (!(entry instanceof Dirent)) return entries;
    const shown = entry as { parentPath: string; path?: string };
    shown.parentPath = path;
    if (Object.hasOwn(shown, "path")) shown.path = path;
  }
  return entries;
}

function isPresent(options: unknown): boolean {
  return options !== undefined && options !== null;
}

function isPlainListing(options: unknown): boolean {
  if (!isPresent(options)) return true;
  if (typeof options === "string") return isNameEncoding(options);
  if (typeof options !== "object") return false;
  const { recursive = false, encoding, signal } = options as ListOptions;
  return recursive === false && signal === undefined && isNameEncoding(encoding);
}

interface ListOptions {
  readonly recursive?: unknown;
  readonly encoding?: unknown;
  readonly signal?: unknown;
}

function isNameEncoding(encoding: unknown): boolean {
  if (encoding === undefined || encoding === "utf8" || encoding === "buffer") return true;
  return typeof encoding === "string" && Buffer.isEncoding(encoding);
}

/** A call of Node's callback or promise API, as far as the shortcuts need it. */
interface AsyncForms {
  readonly callbacks: Record<string, unknown>;
  readonly promises: Record<string, unknown>;
}

/** The same for asynchronous forms that may take long: the work is done by Node's own threads. */
export function addAsyncShortcuts(core: Core, forms: AsyncForms): void {
  if (!core.lower.native) return;
  const { callbacks, promises } = forms;
  promises["readFile"] = readFilePromise(core, promises["readFile"] as Call);
  callbacks["readFile"] = readFileCallback(core, callbacks["readFile"] as Call);
  promises["readdir"] = readdirPromise(core, promises["readdir"] as Call);
  callbacks["readdir"] = readdirCallback(core, callbacks["readdir"] as Call);
}

type Values = unknown[];

function readFilePromise(core: Core, slow: Call) {
  return async (...values: Values): Promise<unknown> => {
    const [path, options] = values;
    if (canReadDirectly(core, path)) {
      const direct = readOptionsOf(options);
      if (direct !== undefined) {
        try {
          return await readOpenedLater(core, path, direct);
        } catch {
          // Told the long way.
        }
      }
    }
    return slow(...(values as never[]));
  };
}

function readFileCallback(core: Core, slow: Call) {
  return (...values: Values): void => {
    const [path] = values;
    const callback = values.at(-1);
    const direct = readOptionsOf(values.length > 2 ? values[1] : undefined);
    if (direct === undefined || typeof callback !== "function" || !canReadDirectly(core, path)) {
      slow(...(values as never[]));
      return;
    }
    readOpenedLater(core, path, direct).then(
      (content) => process.nextTick(callback, null, content),
      () => slow(...(values as never[])),
    );
  };
}

function readdirPromise(core: Core, slow: Call) {
  return async (...values: Values): Promise<unknown> => {
    const [path, options] = values;
    if (typeof path === "string" && isPlainListing(options) && core.isPlainDirectory(path)) {
      try {
        return await listHeldLater(core, path, options);
      } catch {
        // Told the long way.
      }
    }
    return slow(...(values as never[]));
  };
}

function readdirCallback(core: Core, slow: Call) {
  return (...values: Values): void => {
    const [path] = values;
    const callback = values.at(-1);
    const options = values.length > 2 ? values[1] : undefined;
    const isPossible = typeof path === "string" && typeof callback === "function";
    if (!isPossible || !isPlainListing(options) || !core.isPlainDirectory(path)) {
      slow(...(values as never[]));
      return;
    }
    listHeldLater(core, path, options).then(
      (names) => process.nextTick(callback, null, names),
      () => slow(...(values as never[])),
    );
  };
}
