import type { ContentIndex } from "../commit/change-set/content-index.ts";
import { linkId, targetSince } from "../commit/diff/link-target.ts";
import { isIndexName } from "../commit/patch/git-names.ts";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { isUntouched, type Stamp } from "../disk/stamp.ts";
import { absoluteOf } from "../disk/tree-path.ts";
import { baseBytesMax, chunkBytes } from "../limits.ts";
import { indexIdOf } from "../objects/git-index.ts";
import { objectIdOf } from "../objects/object-id.ts";
import type { LowerNode } from "../overlay/pending/pending.ts";
import type { DraftEntry } from "./draft-index.ts";

/**
 * The entries with the content ids of the files and links that they replace, hide or have moved, as
 * long as these are as they were seen. A draft may wait for days; by then others may have touched a
 * file, or written the same bytes again, and only what it holds tells that nothing has changed.
 *
 * Reads what is not known yet: files up to 1 MiB and indexes of git, 64 MiB in all. The others are
 * known by their stamps only. Of an index of git it is also taken down what it says: `git status`
 * writes it anew.
 *
 * @param contents what this process knows already; it learns what is read here.
 */
export function withBaseContents(
  disk: Disk,
  root: string,
  entries: readonly DraftEntry[],
  contents: ContentIndex,
): DraftEntry[] {
  const reader = new BaseReader(disk, root, contents);
  return entries.map((entry) => {
    if (entry.kind === "whiteout") return { ...entry, base: reader.identified(entry.base) };
    const base = reader.identified(entry.base);
    const isHome = entry.origin?.path === entry.base?.path;
    return { ...entry, base, origin: isHome ? entry.origin : reader.identified(entry.origin) };
  });
}

class BaseReader {
  readonly #disk: Disk;
  readonly #root: string;
  #buffer = Buffer.allocUnsafe(chunkBytes);
  readonly #contents: ContentIndex;
  #left = baseBytesMax;

  constructor(disk: Disk, root: string, contents: ContentIndex) {
    this.#disk = disk;
    this.#root = root;
    this.#contents = contents;
  }

  identified(node: LowerNode | undefined): LowerNode | undefined {
    if (node === undefined || node.oid !== undefined) return node;
    if (node.stamp.kind === "symlink") return this.#identifiedLink(node);
    if (node.stamp.kind !== "file") return node;
    const isIndex = isIndexName(node.path);
    const known = this.#contents.find(node.stamp);
    const { path, stamp } = node;
    if (known !== undefined && !isIndex) return { path, stamp, oid: known };
    const { size } = stamp;
    if ((size > chunkBytes && !isIndex) || size > this.#left) return node;
    this.#left -= size;
    const bytes = this.#read(absoluteOf(this.#root, path), stamp);
    if (bytes === undefined) return node;
    const oid = objectIdOf("blob", bytes);
    this.#contents.note(stamp, oid);
    return isIndex ? { path, stamp, oid, indexId: indexIdOf(bytes) } : { path, stamp, oid };
  }

  #identifiedLink(node: LowerNode): LowerNode {
    const target = targetSince(node.stamp, absoluteOf(this.#root, node.path), {
      readlink: (path) => this.#disk.readlink(path),
      stamp: (path) => this.#disk.lstat(path),
    });
    return target === undefined ? node : { ...node, oid: linkId(target) };
  }

  /** The bytes of the very file that the stamp tells of. */
  #read(path: string, stamp: Stamp): Uint8Array | undefined {
    let descriptor: number;
    try {
      descriptor = this.#disk.open(path, openFlags.read);
    } catch {
      // Gone, or not ours to read: the commit will find out, and can say it better.
      return undefined;
    }
    try {
      if (!isUntouched(this.#disk.fstat(descriptor), stamp)) return undefined;
      if (this.#buffer.length < stamp.size) this.#buffer = Buffer.allocUnsafe(stamp.size);
      const bytes = this.#buffer.subarray(0, stamp.size);
      if (this.#disk.read(descriptor, bytes, 0) !== stamp.size) return undefined;
      return isUntouched(this.#disk.fstat(descriptor), stamp) ? bytes : undefined;
    } finally {
      this.#disk.close(descriptor);
    }
  }
}
