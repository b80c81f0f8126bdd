import type { Lower } from "../../disk/lower/lower.ts";
import {
  childOf,
  compareTreePaths,
  isWithin,
  parentOf,
  type TreePath,
} from "../../disk/tree-path.ts";
import { isUnseen, stampOfUnseen } from "../../disk/unseen.ts";
import type {
  Content,
  LowerNode,
  Pending,
  PendingDirectory,
  PendingFile,
  PendingSymlink,
} from "../../overlay/pending/pending.ts";
import { aspectsOf } from "../change-set/aspects.ts";
import type {
  After,
  Aspect,
  Before,
  Change,
  ChangeSet,
  NodeState,
} from "../change-set/change-set.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import { type AlikeFile, ChangedElsewhere } from "./alike-files.ts";
import { KeptTimes } from "./kept-times.ts";
import { LowerTree } from "./lower-tree.ts";
import { withOwnBases } from "./own-bases.ts";

/** What the diff asks of a layer. */
export interface DiffSource {
  readonly root: string;
  readonly lower: Lower;
  pending(): Iterable<Pending>;
}

type PendingNode = PendingFile | PendingDirectory | PendingSymlink;

/**
 * What a layer would change: in time proportional to its entries and to what lies in directories
 * that it deletes, never to the size of the tree.
 *
 * A node that is as it was is no change: the same bytes written again, something changed and
 * changed back, a file deleted and made anew just so. Nodes are told apart by identity, so that a
 * rename is a rename and a directory moves as one.
 */
export function diffLayer(layer: DiffSource): ChangeSet {
  return new Diff(layer).run();
}

class Diff {
  readonly #root: string;
  readonly #tree: LowerTree;
  readonly #entries: readonly Pending[];
  /** Lower places whose node is still there, perhaps changed. */
  readonly #atHome = new Set<TreePath>();
  /** Lower places that hold something else now, or nothing. */
  readonly #vacated = new Set<TreePath>();
  /** The entry that a vacated lower node has moved to. */
  readonly #movedTo = new Map<TreePath, PendingNode>();
  /** Where what lies at a place has moved from. */
  readonly #movedHere = new Map<TreePath, TreePath>();
  #hasOpaque = false;
  readonly #changes: Change[] = [];
  /** Lower nodes that are gone, by their place. */
  readonly #deletes = new Map<TreePath, { readonly path: TreePath; readonly node: LowerNode }>();
  readonly #unsupported: TreePath[] = [];
  readonly #groups = new Map<bigint, number>();
  /** The lower file that a group is, which one of its names shows as it was. */
  readonly #groupFiles = new Map<number, LowerNode>();
  readonly #alike: AlikeFile[] = [];
  readonly #keptTimes = new KeptTimes();
  /** What opaque directories hide, for the entries that replace it. */
  readonly #hidden = new Map<TreePath, LowerNode>();

  constructor(layer: DiffSource) {
    this.#root = layer.root;
    this.#tree = new LowerTree(layer.lower, layer.root);
    this.#entries = withOwnBases([...layer.pending()]);
  }

  run(): ChangeSet {
    for (const entry of this.#entries) this.#survey(entry);
    // Mostly everything is where it was: then nothing has moved, and nothing is gone.
    if (this.#vacated.size > 0 || this.#hasOpaque) this.#followAll();
    for (const [origin, { path }] of this.#movedTo) this.#movedHere.set(path, origin);
    for (const entry of this.#entries) this.#compare(entry);
    this.#partAlike();
    this.#addDeletes();
    const timed = this.#keptTimes.addTo(this.#linkedToLower());
    const changes = timed.sort((a, b) => compareTreePaths(a.path, b.path));
    const unsupported = this.#unsupported;
    return { root: this.#root, changes, ...(unsupported.length === 0 ? {} : { unsupported }) };
  }

  #followAll(): void {
    for (const entry of this.#entries) this.#follow(entry);
    for (const entry of this.#entries) this.#gather(entry);
    const known = this.#movedTo.size;
    for (const entry of this.#entries) this.#followHidden(entry);
    if (this.#movedTo.size === known) return;
    // Again: what is in those directories moves along, but for what has gone from them by itself.
    this.#deletes.clear();
    this.#hidden.clear();
    for (const entry of this.#entries) this.#gather(entry);
  }

  #survey(entry: Pending): void {
    const { base } = entry;
    if (entry.kind === "directory" && entry.opaque) this.#hasOpaque = true;
    if (base === undefined) return;
    if (entry.kind !== "whiteout" && isSameNode(entry.origin, base)) this.#atHome.add(base.path);
    else this.#vacated.add(base.path);
  }

  #follow(entry: Pending): void {
    if (entry.kind === "whiteout" || entry.kind === "other" || entry.origin === undefined) return;
    if (isSameNode(entry.origin, entry.base)) return;
    const place = entry.origin.path;
    if (this.#atHome.has(place) || !this.#vacated.has(place) || this.#movedTo.has(place)) return;
    this.#movedTo.set(place, entry);
  }

  /** Finds the lower nodes that are gone: hidden ones, and all that was in hidden directories. */
  #gather(entry: Pending): void {
    const { base, path } = entry;
    if (base === undefined) return;
    const isHome = this.#atHome.has(base.path);
    if (isHome && entry.kind === "directory" && entry.opaque) {
      this.#gatherChildren(path, base);
    }
    if (isHome || this.#movedTo.has(base.path)) return;
    if (entry.kind === "whiteout") this.#deletes.set(base.path, { path, node: base });
    if (base.stamp.kind !== "directory") return;
    if (entry.kind === "directory" && !entry.opaque && entry.redirect === undefined) return;
    this.#gatherChildren(path, base);
  }

  /** @param isMoved the directory has come from elsewhere, with all that is in it. */
  #gatherChildren(path: TreePath, directory: LowerNode, isMoved = false): void {
    const { seenNs } = directory;
    for (const { name, node: found } of this.#tree.childrenOf(directory.path)) {
      const isStrange = isMoved || isUnseen(found.stamp, seenNs);
      const stamp = isStrange ? stampOfUnseen(found.stamp) : found.stamp;
      const node = { path: found.path, stamp, seenNs };
      // What has moved out of it is not gone, and what is in it moves along.
      if (this.#movedTo.has(node.path)) continue;
      const at = childOf(path, name);
      this.#hidden.set(at, node);
      this.#deletes.set(node.path, { path: at, node });
      if (node.stamp.kind === "directory") this.#gatherChildren(at, node, isStrange);
    }
  }

  /** A node that came out of a directory before that was deleted has moved, and is not gone. */
  #followHidden(entry: Pending): void {
    if (entry.kind === "whiteout" || entry.kind === "other" || entry.origin === undefined) return;
    const place = entry.origin.path;
    if (isSameNode(entry.origin, entry.base)) return;
    const gone = this.#deletes.get(place);
    if (gone === undefined || this.#movedTo.has(place) || this.#atHome.has(place)) return;
    if (gone.path === entry.path) return;
    this.#movedTo.set(place, entry);
    for (const other of [...this.#deletes.keys()]) {
      if (isWithin(other, place)) this.#deletes.delete(other);
    }
  }

  #compare(entry: Pending): void {
    if (entry.kind === "whiteout") return;
    if (entry.kind === "other") {
      this.#unsupported.push(entry.path);
      return;
    }
    const origin = entry.origin;
    const isMoved = origin !== undefined && this.#movedTo.get(origin.path) === entry;
    if (isMoved) this.#compareMoved(entry, origin);
    else this.#compareInPlace(entry);
  }

  #compareMoved(entry: PendingNode, origin: LowerNode): void {
    const before = this.#tree.beforeOf(origin);
    if (before === undefined) {
      this.#unsupported.push(origin.path);
      return;
    }
    const after = this.#afterOf(entry, origin);
    const aspects = this.#aspectsOf(entry, origin, before, after);
    const { path } = entry;
    const replaced = this.#replacedAt(entry);
    const change: Change = {
      kind: "rename",
      path,
      from: origin.path,
      before,
      after: aspects.includes("content") ? after : { ...after, content: undefined },
      aspects,
      replaced,
    };
    this.#changes.push(change);
    this.#keptTimes.note(change);
  }

  /** The lower node that a moved or new entry takes the place of, unless that has moved itself. */
  #replacedAt(entry: PendingNode): Before | undefined {
    const base = this.#baseOf(entry);
    if (base === undefined || this.#movedTo.has(base.path)) return undefined;
    this.#deletes.delete(base.path);
    return this.#tree.beforeOf(base);
  }

  #compareInPlace(entry: PendingNode): void {
    const { path } = entry;
    const base = this.#baseOf(entry);
    const isGone = base === undefined || this.#movedTo.has(base.path);
    const before = isGone ? undefined : this.#tree.beforeOf(base);
    if (base === undefined || before === undefined) {
      if (base !== undefined && !isGone) this.#unsupported.push(path);
      this.#changes.push({ kind: "create", path, after: this.#afterOf(entry, undefined) });
      return;
    }
    this.#deletes.delete(base.path);
    const after = this.#afterOf(entry, base);
    const aspects = this.#aspectsOf(entry, base, before, after);
    if (after.state.kind === "directory") {
      this.#keptTimes.note({ kind: "modify", path, before, after, aspects });
    }
    const hasContent = aspects.includes("content") || aspects.includes("type");
    // A file of its own, with the bytes of one whose other names are to stay as they are.
    const isOther = !hasContent && entry.kind === "file" && base.stamp.nlink > 1 && !after.sameNode;
    if (aspects.length === 0) {
      if (isOther) this.#alike.push({ path, base, before, after });
      else if (after.linkGroup !== undefined) this.#groupFiles.set(after.linkGroup, base);
      return;
    }
    // Names of one file that a command has left, with bytes of their own, may still be of this one.
    if (isOther && (after.linkGroup === undefined || entry.origin !== undefined)) {
      this.#changes.push({ kind: "modify", path, before, after, aspects: ["content", ...aspects] });
      return;
    }
    const content = hasContent ? after.content : undefined;
    this.#changes.push({ kind: "modify", path, before, after: { ...after, content }, aspects });
  }

  /** A file that is as the one before is left to be that, unless that one is changed elsewhere. */
  #partAlike(): void {
    if (this.#alike.length === 0) return;
    const elsewhere = new ChangedElsewhere(this.#changes);
    for (const file of this.#alike) {
      const { path, base, before, after } = file;
      if (elsewhere.has(file)) {
        this.#changes.push({ kind: "modify", path, before, after, aspects: ["content"] });
      } else if (after.linkGroup !== undefined) this.#groupFiles.set(after.linkGroup, base);
    }
  }

  /**
   * What an entry takes the place of. Not what lay there in a directory that another one has been
   * moved over: that is gone with its directory, before the other comes.
   */
  #baseOf({ path, base }: PendingNode): LowerNode | undefined {
    const found = base ?? this.#hidden.get(path);
    if (found === undefined || this.#movedHere.size === 0) return found;
    for (let at = parentOf(path); at !== ""; at = parentOf(at)) {
      const origin = this.#movedHere.get(at);
      if (origin === undefined) continue;
      return found.path === `${origin}${path.slice(at.length)}` ? found : undefined;
    }
    return found;
  }

  /**
   * A name that is no change keeps the lower file, and the other names of its group are names of
   * that one, whatever holds their bytes: a command's links are harvested as files with bytes.
   */
  #linkedToLower(): Change[] {
    if (this.#groupFiles.size === 0) return this.#changes;
    return this.#changes.map((change) => {
      if (change.kind === "delete") return change;
      const { content, linkGroup } = change.after;
      const lower = linkGroup === undefined ? undefined : this.#groupFiles.get(linkGroup);
      if (content === undefined || lower === undefined) return change;
      return { ...change, after: { ...change.after, content: contentIn(lower, content) } };
    });
  }

  #addDeletes(): void {
    const places = new OldPlaces(this.#changes);
    for (const { path, node } of this.#deletes.values()) {
      const before = this.#tree.beforeOf(node);
      if (before === undefined) {
        this.#unsupported.push(node.path);
        continue;
      }
      const place = places.placeOf(path) === node.path ? {} : { place: node.path };
      this.#changes.push({ kind: "delete", path, ...place, before });
    }
  }

  #afterOf(entry: PendingNode, base: LowerNode | undefined): After {
    const isSame = isSameNode(entry.origin, base);
    return {
      state: stateOfEntry(entry),
      content: entry.kind === "file" ? entry.content : undefined,
      timesSet: entry.timesSet,
      linkGroup: this.#groupOf(entry),
      ...(isSame ? { sameNode: true } : {}),
    };
  }

  /** Files with one name are in no group; the others are numbered in the order of their paths. */
  #groupOf(entry: PendingNode): number | undefined {
    if (entry.kind !== "file" || entry.nlink < 2) return undefined;
    let group = this.#groups.get(entry.ino);
    if (group === undefined) {
      group = this.#groups.size + 1;
      this.#groups.set(entry.ino, group);
    }
    return group;
  }

  #aspectsOf(entry: PendingNode, base: LowerNode, before: Before, after: After): Aspect[] {
    return aspectsOf(before.state, after, () => {
      return entry.kind === "file" && this.#tree.holds(base, entry.content);
    });
  }
}

/** A content of which is known now that a lower file holds it, byte for byte. */
function contentIn(lower: LowerNode, content: Content): Content {
  const read: Content["read"] = (buffer, position) => content.read(buffer, position);
  return { size: content.size, lower, spilled: undefined, read };
}

/** Two names of one inode are one node; renaming one over the other would do nothing. */
function isSameNode(one: LowerNode | undefined, other: LowerNode | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  if (one.path === other.path) return true;
  const [a, b] = [one.stamp, other.stamp];
  return a.kind === "file" && b.kind === "file" && a.dev === b.dev && a.ino === b.ino;
}

function stateOfEntry(entry: PendingNode): NodeState {
  const { mode, uid, gid, mtimeNs } = entry.meta;
  switch (entry.kind) {
    case "file": {
      const size = entry.content.size;
      return { kind: "file", mode, uid, gid, mtimeNs, size, oid: undefined };
    }
    case "directory":
      return { kind: "directory", mode, uid, gid, mtimeNs };
    case "symlink":
      return { kind: "symlink", uid, gid, mtimeNs, target: entry.target };
  }
}
