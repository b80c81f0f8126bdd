import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { decodeName, encodePath } from "../../disk/names.ts";
import { nativeCalls } from "../../disk/native/native-calls.ts";
import { timeOf } from "../../disk/node/node-time.ts";
import type { NodeStats } from "../../disk/node-stats.ts";
import { nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";

const { O_DIRECTORY, O_NOFOLLOW } = constants;

/** What a look by descriptor and name saves, in microseconds: no lookup under `/proc`. */
const statSavingUs = 4;
/** The same for opening. */
const openSavingUs = 3;

/** Linux' O_PATH: a place in the tree, which needs no right to read it. Node does not name it. */
const O_PATH = 0o10000000;

/**
 * A tree seen through a descriptor of its top directory, in which no link is ever followed.
 *
 * A lookup that starts at `/proc/<pid>/root` resolves absolute links on the *host*: writing
 * `/proc/<pid>/root/link` can overwrite a real file. Here every directory on the way is opened by
 * itself with `O_NOFOLLOW` and used as `/proc/self/fd/<descriptor>/name`, so that neither a link
 * nor a directory swapped for one by a running command leads anywhere else.
 */
export class PinnedTree {
  readonly #top: number;
  /** The chain of open directories that leads to the one used last, for lookups in tree order. */
  #chain: { readonly path: TreePath; readonly descriptor: number }[] = [];

  /** @param descriptor of the top directory; stays the property of the caller. */
  constructor(descriptor: number) {
    this.#top = descriptor;
  }

  /** `undefined` when there is nothing at `path`. */
  lstat(path: TreePath): NodeStats | undefined {
    try {
      const directory = this.#directory(parentOf(path));
      const name = path === "" ? "." : nameOf(path);
      const found = nativeCalls(statSavingUs)?.statIn(directory, name);
      if (found !== undefined) return found ?? undefined;
      return lstatSync(join(directory, name), { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Where the directory at `path` can be found until the next lookup. */
  placeOf(path: TreePath): string {
    return `/proc/self/fd/${this.#directory(path)}/.`;
  }

  /** Names in the directory at `path`. */
  readdir(path: TreePath): string[] {
    const place = this.placeOf(path);
    const names = readdirSync(place);
    if (!names.some((name) => name.includes("\ufffd"))) return names;
    return readdirSync(place, { encoding: "buffer" }).map((name) => decodeName(name));
  }

  readlink(path: TreePath): string {
    return decodeName(readlinkSync(this.#at(path), { encoding: "buffer" }));
  }

  /** Opens the file at `path` itself. The caller closes the descriptor. */
  open(path: TreePath, flags: number, mode = 0o600): number {
    const place = { directory: this.#directory(parentOf(path)), name: nameOf(path) };
    const opened = nativeCalls(openSavingUs)?.openIn(place, flags | O_NOFOLLOW, mode) ?? -1;
    // Node knows how to say why it cannot be opened.
    return opened >= 0 ? opened : openSync(this.#at(path), flags | O_NOFOLLOW, mode);
  }

  mkdir(path: TreePath, mode: number): void {
    mkdirSync(this.#at(path), { mode });
  }

  symlink(target: string, path: TreePath): void {
    symlinkSync(encodePath(target), this.#at(path));
  }

  link(source: TreePath, target: TreePath): void {
    // Pinned on its own: looking up the target moves the chain away from the source.
    const directory = this.#open(parentOf(source));
    try {
      linkSync(join(directory, nameOf(source)), this.#at(target));
    } finally {
      closeSync(directory);
    }
  }

  /** Permission bits of a file or directory (never through a link). */
  chmod(path: TreePath, mode: number): void {
    if (path === "") {
      chmodSync(`/proc/self/fd/${this.#top}/.`, mode);
      return;
    }
    const descriptor = openSync(this.#at(path), O_PATH | O_NOFOLLOW);
    try {
      // fchmod(2) refuses an O_PATH descriptor, its name under /proc does not.
      chmodSync(`/proc/self/fd/${descriptor}`, mode);
    } finally {
      closeSync(descriptor);
    }
  }

  lchown(path: TreePath, uid: number, gid: number): void {
    lchownSync(path === "" ? `/proc/self/fd/${this.#top}/.` : this.#at(path), uid, gid);
  }

  /** To the microsecond, which is all that Node offers. */
  lutimes(path: TreePath, atimeNs: bigint, mtimeNs: bigint): void {
    const place = path === "" ? `/proc/self/fd/${this.#top}/.` : this.#at(path);
    lutimesSync(place, timeOf(atimeNs), timeOf(mtimeNs));
  }

  /** Removes what lies at `path`, with everything below it; nothing there is no error. */
  remove(path: TreePath): void {
    const stats = this.lstat(path);
    if (stats === undefined) return;
    if (!stats.isDirectory()) {
      unlinkSync(this.#at(path));
      return;
    }
    for (const name of this.readdir(path)) this.remove(`${path}/${name}`);
    this.#forgetBelow(path);
    rmdirSync(this.#at(path));
  }

  /** Closes what lookups have left open. The top descriptor stays open. */
  close(): void {
    for (const { descriptor } of this.#chain.splice(0)) closeSync(descriptor);
  }

  /** What to hand to `node:fs` for the entry itself. */
  #at(path: TreePath): string | Buffer {
    return join(this.#directory(parentOf(path)), nameOf(path));
  }

  /** A descriptor of the directory at `path`, kept in the chain. */
  #directory(path: TreePath): number {
    if (path === "") return this.#top;
    while (this.#chain.length > 0) {
      const last = this.#chain.at(-1);
      if (last === undefined || last.path === path) return last?.descriptor ?? this.#top;
      if (path.startsWith(`${last.path}/`)) break;
      this.#chain.pop();
      closeSync(last.descriptor);
    }
    const start = this.#chain.at(-1);
    let reached = start?.path ?? "";
    let descriptor = start?.descriptor ?? this.#top;
    for (const name of path.slice(reached === "" ? 0 : reached.length + 1).split("/")) {
      descriptor = openSync(join(descriptor, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
      reached = reached === "" ? name : `${reached}/${name}`;
      this.#chain.push({ path: reached, descriptor });
    }
    return descriptor;
  }

  /** A descriptor of the directory at `path` that is the caller's own. */
  #open(path: TreePath): number {
    return openSync(`/proc/self/fd/${this.#directory(path)}/.`, O_PATH | O_DIRECTORY);
  }

  #forgetBelow(path: TreePath): void {
    while (true) {
      const last = this.#chain.at(-1);
      if (last === undefined || !(last.path === path || last.path.startsWith(`${path}/`))) return;
      this.#chain.pop();
      closeSync(last.descriptor);
    }
  }
}

function join(directory: number, name: string): string | Buffer {
  return encodePath(`/proc/self/fd/${directory}/${name}`);
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  // ELOOP and ENOTDIR: a component is a link or a file, so there is nothing at this path.
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP";
}
