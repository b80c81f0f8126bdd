import { OldPlaces } from "../commit/change-set/old-places.ts";
import type { ManifestChange, ManifestFile, ManifestNode } from "../commit/checkpoint/manifest.ts";
import { isRecordedIndex } from "../commit/conflict/recorded-index.ts";
import { decodeName } from "../disk/names.ts";
import { timeOf } from "../disk/node/node-time.ts";
import { kindOf } from "../disk/stamp.ts";
import { compareTreePaths, type TreePath } from "../disk/tree-path.ts";
import { packedContentBytesMax } from "../limits.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { readContent } from "../overlay/content/content.ts";
import type { Layer, OverlayFs } from "../overlay/layer.ts";
import { type ContentSource, checkpointContent } from "./checkpoint-content.ts";
import { type Divergence, divergenceError } from "./divergence.ts";
import { Places, type Stats } from "./places.ts";
import { hasAttributes, isSameContent, metaOf } from "./recorded-node.ts";
import { aspectsOf, isReplaced, type Return, returnsOf, touchesAttributes } from "./returns.ts";
import { shownContentId } from "./shown-content.ts";

/** That an owner may read and write. */
const ownerAccess = 0o600;

/** How {@link Replay} treats a tree that is not as the operations left it. */
export type Tolerance =
  /** Everything that each operation touched must be as it left it. */
  | "none"
  /** The disk must be as the last operation left it; changes between operations are on record. */
  | "recorded"
  /** Whatever lies at the places of the operations gives way. */
  | "all";

/**
 * Takes operations back inside an overlay, newest first. What results is the tree as it was before
 * them, as pending changes that can be looked at, and committed like any others.
 *
 * A manifest says what an operation did as one step from an old tree to a new one. Taking it back
 * has two halves: nodes that it made or moved are taken off the new tree, children before parents;
 * then those that it moved, removed or changed are put on the old tree, parents before children.
 */
export class Replay {
  readonly #layer: Layer;
  readonly #source: ContentSource;
  readonly #tolerance: Tolerance;
  /**
   * Bytes that files of the disk must have, by path, where nobody has compared them: the commit,
   * which has to read them anyway, is told to. `undefined` when they are compared at once.
   */
  readonly #expected: Map<TreePath, ObjectId> | undefined;
  #isUntouched = true;
  /** What this replay has put at places of the tree as the layer shows it now. */
  readonly #shown = new Map<TreePath, ManifestNode | undefined>();
  readonly #kept = new Set<TreePath>();
  readonly #places: Places;
  #parked = 0;

  /** @param expected receives what is not compared here; compared at once without it. */
  constructor(
    layer: Layer,
    source: ContentSource,
    tolerance: Tolerance,
    expected?: Map<TreePath, ObjectId>,
  ) {
    this.#layer = layer;
    this.#source = source;
    this.#places = new Places(layer);
    this.#tolerance = tolerance;
    this.#expected = expected;
  }

  /** Directories that an operation made and that stay: others have put something there. */
  get kept(): readonly TreePath[] {
    return [...this.#kept].filter((path) => this.#find(path)?.isDirectory() === true);
  }

  /**
   * Takes one operation back, given its changes. A directory that it made stays where it holds
   * something that is not of it.
   *
   * @throws {DraftError} `DRAFT_CONFLICT` naming every path that does not hold what it should,
   *   `DRAFT_CHECKPOINT_MISSING` when bytes that are needed were not kept.
   */
  takeBack(changes: readonly ManifestChange[]): void {
    if (this.#tolerance !== "all") this.#compareAll(changes);
    this.#isUntouched = false;
    const places = new OldPlaces(changes);
    const parked = new Map<ManifestChange, TreePath>();
    for (const change of changes.toSorted((a, b) => compareTreePaths(b.path, a.path))) {
      if (change.kind === "rename" && !isReplaced(change)) {
        const place = this.#park(change.path);
        if (place !== undefined) parked.set(change, place);
      } else if (change.kind === "create") {
        this.#removeUnlessFull(change.path);
      } else if (isReplaced(change)) {
        this.#remove(change.path);
      }
    }
    const returns = changes.flatMap((change) => returnsOf(change, places));
    returns.sort((a, b) => compareTreePaths(a.path, b.path));
    for (const each of returns) this.#return(each, parked.get(each.change));
    // Again, because whatever was put into a directory has changed its times.
    for (const { change, path, node, isWhole } of returns) {
      const isTimed = isWhole || aspectsOf(change).includes("times");
      if (isTimed && node.kind === "directory") this.#setTimes(path, node);
    }
    for (const change of changes) this.#shown.set(change.path, undefined);
    for (const { path, node } of returns) this.#shown.set(path, node);
  }

  /**
   * Puts what an operation left where the later ones, taken back by now, had found something else:
   * somebody had changed it in between.
   *
   * @param decided places that a newer operation has decided about; those of this one are added.
   */
  reassert(changes: readonly ManifestChange[], decided: Set<TreePath>): void {
    const left = new Map<TreePath, ManifestChange | undefined>();
    // What was moved away left its old place empty, unless another change has filled that.
    for (const change of changes) if (change.kind === "rename") left.set(change.from, undefined);
    for (const change of changes) left.set(change.path, change);
    for (const [path, change] of left) {
      if (decided.has(path)) continue;
      decided.add(path);
      if (this.#shown.has(path)) this.#reassertAt(path, change);
    }
  }

  #reassertAt(path: TreePath, change: ManifestChange | undefined): void {
    const isGone = change === undefined || change.kind === "delete";
    const recorded = isGone ? undefined : change.after;
    if (isSameContent(this.#shown.get(path), recorded)) return;
    if (isGone || recorded === undefined) this.#remove(path);
    else this.#return({ change, path, node: recorded, isWhole: true }, undefined);
    this.#shown.set(path, recorded);
  }

  get #fs(): OverlayFs {
    return this.#layer.fs;
  }

  #at(path: TreePath): string | Buffer {
    return this.#places.at(path);
  }

  #find(path: TreePath): Stats | undefined {
    return this.#places.find(path);
  }

  #compareAll(changes: readonly ManifestChange[]): void {
    const divergences = changes.flatMap((change): Divergence[] => {
      const { path } = change;
      // Its path in the new tree shows something else, which is not this change's business.
      if (change.kind === "delete" && change.place !== undefined) return [];
      const recorded = change.kind === "delete" ? undefined : change.after;
      if (this.#shown.has(path)) {
        if (this.#tolerance === "recorded") return [];
        return this.#hasShown(path, recorded) ? [] : [{ path, reason: "changed", recorded }];
      }
      const reason = this.#divergenceAt(path, recorded, touchesAttributes(change));
      return reason === undefined ? [] : [{ path, reason, recorded }];
    });
    divergences.push(...this.#takenPlaces(changes));
    if (divergences.length > 0) throw divergenceError(divergences);
  }

  /** Whether the operation after this one has found what this one left. */
  #hasShown(path: TreePath, recorded: ManifestNode | undefined): boolean {
    const shown = this.#shown.get(path);
    if (isSameContent(shown, recorded)) return true;
    if (shown?.kind !== "file" || recorded?.kind !== "file") return false;
    return this.#isSameIndex(path, recorded, shown.size);
  }

  /** Where something lies by now at the place that a moved node is to come back to. */
  #takenPlaces(changes: readonly ManifestChange[]): Divergence[] {
    const places = new OldPlaces(changes);
    // What the operation itself has put at such a place is compared there.
    const compared = new Set(changes.map(({ path }) => path));
    return changes.flatMap((change): Divergence[] => {
      if (change.kind !== "rename") return [];
      const path = places.shownAt(change.from);
      if (compared.has(path)) return [];
      const isTaken = this.#shown.has(path)
        ? this.#tolerance === "none" && this.#shown.get(path) !== undefined
        : this.#find(path) !== undefined && !this.#isEmptyDirectory(path);
      return isTaken ? [{ path, reason: "appeared", recorded: undefined }] : [];
    });
  }

  #isEmptyDirectory(path: TreePath): boolean {
    const isDirectory = this.#find(path)?.isDirectory() === true;
    return isDirectory && this.#fs.readdirSync(this.#at(path)).length === 0;
  }

  #divergenceAt(
    path: TreePath,
    recorded: ManifestNode | undefined,
    withAttributes: boolean,
  ): Divergence["reason"] | undefined {
    const found = this.#find(path);
    if (found === undefined) return recorded === undefined ? undefined : "vanished";
    if (recorded === undefined) return "appeared";
    if (kindOf(found) !== recorded.kind) return "retyped";
    if (withAttributes && recorded.kind !== "symlink" && !hasAttributes(found, recorded)) {
      return "changed";
    }
    return this.#holds(path, recorded, found.size) ? undefined : "changed";
  }

  #holds(path: TreePath, recorded: ManifestNode, size: number): boolean {
    switch (recorded.kind) {
      case "directory":
        return true;
      case "symlink":
        return this.#targetOf(path) === recorded.target;
      case "file":
        // A file that was moved without being read has no known content: its size must do.
        if (recorded.oid === "") return size === recorded.size;
        // Later, the paths of the layer are not those of the disk any more.
        if (this.#expected === undefined || !this.#isUntouched || size !== recorded.size) {
          return this.#hasContent(path, recorded, size) || this.#isSameIndex(path, recorded, size);
        }
        this.#expected.set(path, recorded.oid);
        return true;
    }
  }

  #isSameIndex(path: TreePath, { oid, stored }: ManifestFile, size: number): boolean {
    if (stored !== "blob" || size > packedContentBytesMax) return false;
    const readBytes = (): Buffer => this.#fs.readFileSync(this.#at(path));
    return isRecordedIndex(this.#source.objects, path, oid, readBytes);
  }

  #targetOf(path: TreePath): string {
    return decodeName(this.#fs.readlinkSync(this.#at(path), { encoding: "buffer" }));
  }

  /**
   * What cannot be read is known by its size and time. Where its bytes were to be replaced, the
   * commit refuses that: they could not be kept.
   */
  #hasContent(path: TreePath, recorded: ManifestFile, size: number): boolean {
    if (size !== recorded.size) return false;
    const oid = shownContentId(this.#layer, this.#at(path), size);
    if (oid !== undefined) return oid === recorded.oid;
    const { mtimeNs } = this.#fs.lstatSync(this.#at(path), { bigint: true });
    return mtimeNs / 1000n === BigInt(recorded.mtimeNs) / 1000n;
  }

  /** Moves a node out of the way, to a name of its own; its old place may not be free yet. */
  #park(path: TreePath): TreePath | undefined {
    if (this.#find(path) === undefined) return undefined;
    let place: TreePath;
    do {
      this.#parked += 1;
      place = `.parked-by-draftfs-${this.#parked}`;
    } while (this.#find(place) !== undefined);
    this.#places.move(path, place);
    return place;
  }

  #removeUnlessFull(path: TreePath): void {
    if (this.#find(path)?.isDirectory() !== true || this.#isEmptyDirectory(path)) {
      this.#remove(path);
    } else this.#kept.add(path);
  }

  #remove(path: TreePath): void {
    const found = this.#find(path);
    if (found === undefined) return;
    if (!found.isDirectory()) this.#fs.unlinkSync(this.#at(path));
    else if (this.#fs.readdirSync(this.#at(path)).length === 0) this.#fs.rmdirSync(this.#at(path));
    // Something else is to come to its place, and what lies in it is nobody's to give up.
    else throw divergenceError([{ path, reason: "occupied", recorded: undefined }]);
  }

  #return({ change, path, node, isWhole }: Return, parked: TreePath | undefined): void {
    this.#places.makeDirectoriesTo(path);
    let found = this.#find(path);
    if (parked !== undefined && change.kind === "rename" && path === change.from) {
      if (node.kind === "directory" || found?.isDirectory() === true) this.#remove(path);
      this.#places.move(parked, path);
      found = this.#find(path);
    }
    if (!isWhole && found !== undefined && kindOf(found) === node.kind) {
      this.#restoreAttributes(path, node, found, change);
      return;
    }
    if (node.kind === "directory") {
      this.#putDirectory(path, node, found);
      return;
    }
    this.#clear(path, false, found);
    if (node.kind === "file") {
      this.#putFile(path, node, found);
      return;
    }
    const { target } = node;
    this.#layer.adopt({ kind: "symlink", path, meta: metaOf(node), timesSet: true, target });
    this.#places.forget();
  }

  /** Takes away what is of another kind than what comes. */
  #clear(path: TreePath, isForDirectory: boolean, found: Stats | undefined): void {
    if (found !== undefined && found.isDirectory() !== isForDirectory) this.#remove(path);
  }

  #putDirectory(path: TreePath, node: ManifestNode, found: Stats | undefined): void {
    if (found?.isDirectory() === true) {
      this.#setAttributes(path, node, found);
      return;
    }
    this.#remove(path);
    const meta = metaOf(node);
    this.#layer.adopt({ kind: "directory", path, meta, timesSet: true, opaque: true });
  }

  #putFile(path: TreePath, node: ManifestFile, found: Stats | undefined): void {
    const content = checkpointContent(this.#source, node);
    const hasOtherNames = found?.isFile() === true && found.nlink > 1;
    if (hasOtherNames) {
      // Written into the node, so that its other names keep showing the same file; its mode, which
      // may keep its owner out, comes back with the attributes.
      if ((found.mode & ownerAccess) !== ownerAccess) {
        this.#fs.chmodSync(this.#at(path), found.mode | ownerAccess);
      }
      this.#fs.writeFileSync(this.#at(path), readContent(content), { flag: "r+" });
      this.#fs.truncateSync(this.#at(path), content.size);
      this.#setAttributes(path, node, this.#find(path) ?? found);
      return;
    }
    const meta = metaOf(node);
    this.#layer.adopt({ kind: "file", path, meta, timesSet: true, content, isLasting: true });
  }

  #restoreAttributes(
    path: TreePath,
    node: ManifestNode,
    found: Stats,
    change: ManifestChange,
  ): void {
    const aspects = aspectsOf(change);
    const place = this.#at(path);
    if (aspects.includes("owner")) this.#fs.lchownSync(place, node.uid, node.gid);
    // A change of owner clears setuid and setgid.
    const hasMode = aspects.includes("mode") || aspects.includes("owner");
    if (hasMode && node.kind !== "symlink" && (found.mode & 0o7777) !== node.mode) {
      this.#fs.chmodSync(place, node.mode);
    }
    if (aspects.includes("times")) this.#setTimes(path, node);
  }

  #setAttributes(path: TreePath, node: ManifestNode, found: Stats): void {
    if (!hasAttributes(found, node)) {
      this.#fs.lchownSync(this.#at(path), node.uid, node.gid);
      // A change of owner clears setuid and setgid, so the mode comes after it.
      this.#fs.chmodSync(this.#at(path), node.mode);
    }
    this.#setTimes(path, node);
  }

  #setTimes(path: TreePath, node: ManifestNode): void {
    const time = timeOf(BigInt(node.mtimeNs));
    this.#fs.lutimesSync(this.#at(path), time, time);
  }
}
