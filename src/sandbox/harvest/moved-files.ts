import { nativeCalls } from "../../disk/native/native-calls.ts";
import { stampOf } from "../../disk/stamp.ts";
import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { LowerNode } from "../../overlay/pending/pending.ts";
import type { Entry, HarvestSource } from "./harvest-source.ts";
import { LowerPlaces } from "./lower-places.ts";
import { lstatLower } from "./lower-view.ts";

/**
 * What overlayfs sets on a directory of the upper in which a name may show the inode number of a
 * lower file; in a user namespace the latter.
 */
const marks = ["trusted.overlay.impure", "user.overlay.impure"];

/** What it saves to know that no file in a directory need be looked at, in microseconds. */
const markSavingUs = 50;

/**
 * Finds out which of the files and links that a harvest has taken are ones of the disk under
 * another name, so that a rename is one in the diff, and moves the inode when it is committed.
 *
 * A kernel's overlay shows a file that it has copied up under the inode number that it has on the
 * disk, wherever it goes, and a new one under that of the upper. Nothing is guessed from names or
 * content, and what has several names on either side is told by none.
 */
export class MovedFiles {
  readonly #source: HarvestSource;
  readonly #taken: Entry[] = [];
  readonly #marked = new Map<TreePath, boolean>();
  #hasGone = false;
  #places: LowerPlaces | undefined;

  constructor(source: HarvestSource) {
    this.#source = source;
  }

  /** A file or link has come, or was changed. */
  take(entry: Entry): void {
    if (entry.lower?.isDirectory() === true) this.#hasGone = true;
    if (this.#source.origins !== undefined && entry.stats.nlink === 1n) this.#taken.push(entry);
  }

  /** Something has gone from its place. */
  noteGone(): void {
    this.#hasGone = true;
  }

  /** What is to be done when all has been taken: to look at each, and tell the layer. */
  looks(): (() => void)[] {
    return this.#taken.map((entry) => () => this.#settle(entry));
  }

  #settle(entry: Entry): void {
    const origin = this.#originOf(entry);
    if (origin === undefined) return;
    if (origin === "own") this.#forget(entry.path);
    else if (this.#isSurely(origin, entry)) this.#recognise(entry.path, origin);
  }

  /** The file of the disk that one is; "own" for the one at the same place, changed or not. */
  #originOf(entry: Entry): LowerNode | "own" | undefined {
    const { origins } = this.#source;
    return typeof origins === "function"
      ? this.#toldOf(entry, origins(entry.path, entry.stats))
      : this.#shownOf(entry);
  }

  #toldOf({ shown }: Entry, place: TreePath | undefined): LowerNode | "own" | undefined {
    if (place === undefined || place === shown) return "own";
    const found = lstatLower(this.#source.layer.root, place);
    return found === undefined ? undefined : { path: place, stamp: stampOf(found) };
  }

  #shownOf(entry: Entry): LowerNode | "own" | undefined {
    if (!this.#mayHaveMoved(entry) || !this.#mayLieIn(parentOf(entry.path))) return undefined;
    const { layer, view, upper } = this.#source;
    const ino = view.lstat(entry.path)?.ino;
    if (ino === undefined || ino === entry.stats.ino) return undefined;
    // A running command may have put another one in its place between the two looks.
    if (upper.lstat(entry.path)?.ino !== entry.stats.ino) return undefined;
    this.#places ??= new LowerPlaces(layer);
    const covered = this.#places.find(ino);
    return covered?.at === entry.path ? "own" : covered?.node;
  }

  /**
   * Where nothing has gone, what was renamed has changed places with another file, or something was
   * written in its place. Then its own time of writing is older than the session, unless it was
   * written to as well; so new files cost no look.
   */
  #mayHaveMoved({ stats }: Entry): boolean {
    return this.#hasGone || stats.mtimeNs < this.#source.startedNs;
  }

  /** One look at a directory saves a look at each new file in it. */
  #mayLieIn(directory: TreePath): boolean {
    if (this.#source.origins !== "marked") return true;
    let isMarked = this.#marked.get(directory);
    if (isMarked === undefined) {
      const native = nativeCalls(markSavingUs);
      const attributes = native?.readAttributes(this.#source.upper.placeOf(directory));
      isMarked = native === undefined || marks.some((mark) => attributes?.has(mark) === true);
      this.#marked.set(directory, isMarked);
    }
    return isMarked;
  }

  /** What has changed on the disk meanwhile may not be what the command has moved. */
  #isSurely({ stamp }: LowerNode, { stats }: Entry): boolean {
    const isSameKind = stamp.kind === (stats.isFile() ? "file" : "symlink");
    return isSameKind && stamp.nlink === 1 && stamp.ctimeNs < this.#source.startedNs;
  }

  #recognise(path: TreePath, origin: LowerNode): void {
    const { recognised } = this.#source.mirror;
    const before = recognised.get(origin.path);
    if (before !== undefined && before !== path) this.#forget(before, origin.path);
    recognised.set(origin.path, path);
    this.#setOrigin(path, origin);
  }

  /**
   * What lies at a path is not any more what a rename had brought there.
   *
   * @param origin only where that was it.
   */
  #forget(path: TreePath, origin?: TreePath): void {
    const { layer, mirror } = this.#source;
    const known = layer.pendingAt(path)?.origin;
    if (known === undefined || mirror.recognised.get(known) !== path) return;
    if (origin !== undefined && known !== origin) return;
    mirror.recognised.delete(known);
    this.#setOrigin(path, undefined);
  }

  #setOrigin(path: TreePath, origin: LowerNode | undefined): void {
    const { layer, mirror } = this.#source;
    layer.setOrigin(path, origin);
    const node = mirror.find(path);
    if (node !== undefined) node.generation = layer.generation;
  }
}
