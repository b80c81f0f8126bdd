import {
  type AccessEntry,
  accessTags,
  defaultList,
  encodeAccessList,
  ownList,
  parseAccessList,
} from "../../disk/access-list.ts";
import type { Disk } from "../../disk/disk.ts";
import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { Directories } from "./directories.ts";

/**
 * The default access lists of directories, for files that are made elsewhere and renamed in, which
 * the kernel gives none.
 */
export class DefaultAccess {
  readonly #disk: Disk;
  readonly #directories: Directories;
  readonly #umask: number;
  /** By directory of the new tree. */
  readonly #known = new Map<TreePath, Uint8Array | undefined>();

  constructor(disk: Disk, directories: Directories, umask: number) {
    this.#disk = disk;
    this.#directories = directories;
    this.#umask = umask;
  }

  /**
   * Gives a staged file what it would have, had it been made where it goes: a mode that making it
   * gives was asked for without the mask, any other one was set afterwards.
   */
  give(path: TreePath, staged: string, mode: number): void {
    const list = this.#of(parentOf(path));
    if (list === undefined) return;
    const asked = this.#askedFor(mode, 0o666) ?? this.#askedFor(mode, 0o777);
    const entries = parseAccessList(list);
    const given = asked === undefined ? withMode(entries, mode) : within(entries, asked);
    this.#disk.attributes?.write(staged, ownList, encodeAccessList(given));
  }

  /**
   * The mode that a new directory is to be made with, so that it gets what the kernel gives it;
   * `undefined` where it is to have exactly its own.
   */
  modeForDirectory(path: TreePath, mode: number): number | undefined {
    const asked = this.#askedFor(mode, 0o777);
    if (asked === undefined || asked === mode) return undefined;
    return this.#of(parentOf(path)) === undefined ? undefined : asked;
  }

  /** The usual mode that becomes this one by the mask. */
  #askedFor(mode: number, usual: number): number | undefined {
    return mode === (usual & ~this.#umask) ? usual : undefined;
  }

  #of(directory: TreePath): Uint8Array | undefined {
    if (this.#known.has(directory)) return this.#known.get(directory);
    const list = this.#disk.attributes?.read(this.#directories.locate(directory))?.get(defaultList);
    this.#known.set(directory, list);
    return list;
  }
}

/** As when a node is made with a mode: that bounds owner, mask (else group) and others. */
function within(entries: readonly AccessEntry[], mode: number): AccessEntry[] {
  return map(entries, mode, (permissions, bits) => permissions & bits);
}

/** As when a mode is set: that is what owner, mask (else group) and others have then. */
function withMode(entries: readonly AccessEntry[], mode: number): AccessEntry[] {
  return map(entries, mode, (_, bits) => bits);
}

function map(
  entries: readonly AccessEntry[],
  mode: number,
  combine: (permissions: number, bits: number) => number,
): AccessEntry[] {
  const hasMask = entries.some(({ tag }) => tag === accessTags.mask);
  const shifts = new Map<number, number>([
    [accessTags.owner, 6],
    [hasMask ? accessTags.mask : accessTags.group, 3],
    [accessTags.other, 0],
  ]);
  return entries.map((entry) => {
    const shift = shifts.get(entry.tag);
    if (shift === undefined) return entry;
    return { ...entry, permissions: combine(entry.permissions, (mode >> shift) & 0o7) };
  });
}
