import { isDenied } from "../../disk/error-codes.ts";
import type { Lower } from "../../disk/lower/lower.ts";
import { encodePath } from "../../disk/names.ts";
import { isUntouched, type Stamp, stampOf } from "../../disk/stamp.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import { objectIdOf } from "../../objects/object-id.ts";
import { readContent } from "../../overlay/content/content.ts";
import type {
  After,
  Before,
  Change,
  ChangeSet,
  NodeState,
  RenameChange,
} from "../change-set/change-set.ts";
import type { ContentIndex } from "../change-set/content-index.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import { targetAt } from "../diff/link-target.ts";
import { LowerTree } from "../diff/lower-tree.ts";
import { stateOf } from "../tree/images.ts";

/** One side of a file in a patch. */
export interface PatchSide {
  readonly path: TreePath;
  /** As git writes it. */
  readonly mode: "100644" | "100755" | "120000";
  readonly size: number;
  read(): Buffer;
}

/** What a patch says of one file: made where there is no old side, removed where no new one. */
export interface PatchEdit {
  readonly old: PatchSide | undefined;
  readonly new: PatchSide | undefined;
  /** Whether both sides are known to hold the same, without a look at either. */
  readonly isSameContent?: boolean;
}

/** Of the old tree: what lies there now, to which the patch will be applied. */
interface OldSide extends PatchSide {
  /** Whether the change is based on just that. */
  readonly isBase: boolean;
}

/**
 * The edits of single files and links that a change set amounts to, in the order of their paths.
 * Patches know neither directories nor times nor owners: renamed directories fall apart into their
 * files, and what is left of a change of attributes is the executable bit.
 *
 * @param lower the file system that holds the old tree.
 * @param contents learns what the files of the old tree hold that are read whole.
 */
export function patchEditsOf(
  changeSet: ChangeSet,
  lower: Lower,
  contents?: ContentIndex,
): PatchEdit[] {
  return new EditList(changeSet, lower, contents).edits();
}

class EditList {
  readonly #changeSet: ChangeSet;
  readonly #lower: Lower;
  readonly #tree: LowerTree;
  readonly #places: OldPlaces;
  readonly #contents: ContentIndex | undefined;
  /** Places of the old tree that a change of their own speaks of. */
  readonly #named = new Set<TreePath>();
  readonly #edits: PatchEdit[] = [];

  constructor(changeSet: ChangeSet, lower: Lower, contents: ContentIndex | undefined) {
    this.#contents = contents;
    this.#changeSet = changeSet;
    this.#lower = lower;
    this.#tree = new LowerTree(lower, changeSet.root);
    this.#places = new OldPlaces(changeSet.changes);
    for (const change of changeSet.changes) {
      if (change.kind === "rename") this.#named.add(change.from);
      else if (change.kind !== "create") this.#named.add(this.#places.placeOfChange(change));
    }
  }

  edits(): PatchEdit[] {
    for (const change of this.#changeSet.changes) this.#add(change);
    return combined(unchained(this.#edits)).sort(inOrder);
  }

  #add(change: Change): void {
    switch (change.kind) {
      case "create":
        this.#push(undefined, this.#newSide(change.path, change.after, undefined));
        return;
      case "delete":
        this.#push(this.#oldSide(this.#places.placeOfChange(change), change.before), undefined);
        return;
      case "modify":
        this.#modify(this.#places.placeOfChange(change), change);
        return;
      case "rename":
        this.#rename(change);
        return;
    }
  }

  #modify(place: TreePath, change: Extract<Change, { kind: "modify" }>): void {
    const before = this.#oldSide(place, change.before);
    if (before === undefined && isWithoutContent(change.after)) return;
    const after = this.#newSide(change.path, change.after, before);
    if (isLink(before) === isLink(after)) this.#push(before, after, keepsContent(change, before));
    else {
      this.#push(before, undefined);
      this.#push(undefined, after);
    }
  }

  #rename(change: RenameChange): void {
    const { path, from, before, after, replaced } = change;
    if (before.state.kind === "directory") {
      this.#renameDirectory(from, path);
      return;
    }
    const old = this.#oldSide(from, before);
    if (old === undefined && isWithoutContent(after)) return;
    const target = this.#newSide(path, after, old);
    const over = replaced && this.#oldSide(this.#places.placeOf(path), replaced);
    if (over === undefined && isLink(old) === isLink(target)) {
      this.#push(old, target, keepsContent(change, old));
    } else {
      // A patch renames to free places only.
      this.#push(old, undefined);
      const isAlike = isLink(over) === isLink(target);
      if (!isAlike) this.#push(over, undefined);
      this.#push(isAlike ? over : undefined, target);
    }
  }

  #renameDirectory(from: TreePath, path: TreePath): void {
    for (const { name, node } of this.#tree.childrenOf(from)) {
      if (this.#named.has(node.path)) continue;
      const target = `${path}/${name}`;
      if (node.stamp.kind === "directory") {
        this.#renameDirectory(node.path, target);
        continue;
      }
      const before = this.#tree.beforeOf(node);
      const old = before && this.#oldSide(node.path, before);
      if (old !== undefined) this.#push(old, { ...old, path: target }, true);
    }
  }

  #push(before: PatchSide | undefined, after: PatchSide | undefined, isSameContent = false): void {
    if (before === undefined && after === undefined) return;
    this.#edits.push({ old: before, new: after, isSameContent });
  }

  /** The base may have gone. */
  #oldSide(path: TreePath, { stamp }: Before): OldSide | undefined {
    const place = absoluteOf(this.#changeSet.root, path);
    const now = this.#lower.stamp(place);
    const target = now?.kind === "symlink" ? targetAt(place, this.#lower) : undefined;
    const state = now && stateOf(now, target);
    const side = state && sideOf(path, state, () => this.#readOld(path, stamp));
    if (side === undefined || now === undefined) return undefined;
    return { isBase: stamp !== undefined && isUntouched(now, stamp), ...side };
  }

  #readOld(path: TreePath, stamp: Stamp | undefined): Buffer {
    const descriptor = this.#lower.open(absoluteOf(this.#changeSet.root, path));
    try {
      const bytes = this.#lower.readWhole(descriptor);
      if (stamp !== undefined) this.#note(descriptor, stamp, bytes);
      return bytes;
    } finally {
      this.#lower.close(descriptor);
    }
  }

  /** Bytes that were read from the file that the change is based on: it has not changed since. */
  #note(descriptor: number, stamp: Stamp, bytes: Buffer): void {
    const contents = this.#contents;
    if (contents === undefined || contents.find(stamp) !== undefined) return;
    if (!isUntouched(stampOf(this.#lower.fstat(descriptor)), stamp)) return;
    contents.note(stamp, objectIdOf("blob", bytes));
  }

  /** A node without content of its own has the bytes that lay there before. */
  #newSide(path: TreePath, after: After, old: PatchSide | undefined): PatchSide | undefined {
    const { state, content } = after;
    if (content !== undefined) return sideOf(path, state, () => readContent(content));
    const first = after.linkGroup === undefined ? undefined : this.#contentOfGroup(after.linkGroup);
    return sideOf(path, state, () => first?.() ?? old?.read() ?? Buffer.alloc(0));
  }

  /** Further names of a hard link share the bytes of the first one. */
  #contentOfGroup(group: number): (() => Buffer) | undefined {
    for (const change of this.#changeSet.changes) {
      if (change.kind === "delete" || change.after.linkGroup !== group) continue;
      const { content } = change.after;
      if (content !== undefined) return () => readContent(content);
      if (change.kind === "create") continue;
      const place = change.kind === "rename" ? change.from : this.#places.placeOfChange(change);
      return () => this.#readOld(place, undefined);
    }
    return undefined;
  }
}

/** Whether the bytes are those that lay there before, as far as the change itself says. */
function isWithoutContent({ state, content, linkGroup }: After): boolean {
  return state.kind === "file" && content === undefined && linkGroup === undefined;
}

/** Whether a change leaves the bytes as they are, to which the patch will be applied. */
function keepsContent(
  change: Extract<Change, { kind: "modify" | "rename" }>,
  old: OldSide | undefined,
): boolean {
  const { aspects, after } = change;
  if (old === undefined || aspects.includes("type") || aspects.includes("content")) return false;
  return isWithoutContent(after) || old.isBase;
}

/** @returns nothing for no side, and `undefined` for one that this user may not read. */
export function readSide(side: PatchSide | undefined): Buffer | undefined {
  try {
    return side?.read() ?? Buffer.alloc(0);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** Git looks for a NUL in so many first bytes to tell binary content from text. */
const sniffedBytes = 8000;

/** Whether git would take bytes for binary content. */
export function isBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, sniffedBytes).includes(0);
}

/**
 * Takes renames apart that form a chain or a circle: `git apply` reads the old side of a path from
 * what an earlier part of the same patch has put there.
 */
function unchained(edits: readonly PatchEdit[]): PatchEdit[] {
  const sources = new Set(edits.map((edit) => edit.old?.path));
  const targets = new Set(edits.map((edit) => edit.new?.path));
  return edits.flatMap((edit) => {
    const { old: before, new: after } = edit;
    if (before === undefined || after === undefined || before.path === after.path) return [edit];
    if (!targets.has(before.path) && !sources.has(after.path)) return [edit];
    return [
      { old: before, new: undefined },
      { old: undefined, new: after },
    ];
  });
}

/** A file that goes and another one that comes to its path are one changed file in a patch. */
function combined(edits: readonly PatchEdit[]): PatchEdit[] {
  const made = new Map<TreePath, PatchEdit>();
  for (const edit of edits) {
    if (edit.old === undefined && edit.new !== undefined) made.set(edit.new.path, edit);
  }
  const used = new Set<PatchEdit>();
  const result = edits.map((edit) => {
    if (edit.new !== undefined || edit.old === undefined) return edit;
    const other = made.get(edit.old.path);
    if (other === undefined || isLink(edit.old) !== isLink(other.new)) return edit;
    used.add(other);
    return { old: edit.old, new: other.new };
  });
  return result.filter((edit) => !used.has(edit));
}

/** By path; what goes from a path comes before what is put there. */
function inOrder(left: PatchEdit, right: PatchEdit): number {
  const [a, b] = [left, right].map((edit) => edit.new?.path ?? edit.old?.path ?? "");
  if (a !== b) return (a ?? "") < (b ?? "") ? -1 : 1;
  return Number(left.old === undefined) - Number(right.old === undefined);
}

function sideOf(path: TreePath, state: NodeState, read: () => Buffer): PatchSide | undefined {
  switch (state.kind) {
    case "directory":
      return undefined;
    case "file": {
      const mode = (state.mode & 0o100) === 0 ? "100644" : "100755";
      return { path, mode, size: state.size, read };
    }
    case "symlink": {
      const target = Buffer.from(encodePath(state.target));
      return { path, mode: "120000", size: target.length, read: () => target };
    }
  }
}

function isLink(side: PatchSide | undefined): boolean {
  return side?.mode === "120000";
}
