import type { ExtendedAttributes } from "../../disk/native/native-calls.ts";
import { childOf, compareTreePaths, type TreePath } from "../../disk/tree-path.ts";
import {
  type After,
  type Before,
  type Change,
  type ModifyChange,
  namesOf,
  type RenameChange,
} from "../change-set/change-set.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import { ConflictError, type ConflictReason } from "../conflict.ts";
import { sourceOf } from "./plan.ts";

/** The old tree, as far as the expansion of a move needs to look at it. */
export interface OldTree {
  /** Whether a directory can be renamed with all that is in it. */
  isMovable(place: TreePath): boolean;
  /** The extended attributes of a directory that another one is to have. */
  attributesOf(place: TreePath): ExtendedAttributes | undefined;
  /** What lies in a directory; without a `before` where it is no file, directory or link. */
  childrenOf(
    place: TreePath,
  ): readonly { readonly name: string; readonly before: Before | undefined }[];
}

/** Changes that come to the same as others. */
export interface Expansion {
  /** As ever, parents come before what is in them. */
  readonly changes: readonly Change[];
  /** Which of the changes that were asked for a change stands for. */
  readonly askedBy: ReadonlyMap<Change, Change>;
  /** What directories have that are made anew: by what is removed, and by what is made for it. */
  readonly attributes: NodeAttributes;
}

/** The extended attributes of nodes, where they have some. */
export type NodeAttributes = ReadonlyMap<Before | After, ExtendedAttributes>;

/**
 * Takes moves of directories apart that cannot be renamed: the directory is made at its new place,
 * what is in it is moved there one by one, and the old one is removed. What can be renamed below it
 * moves as a whole.
 *
 * The result is for the plan alone: a manifest tells of the move that was asked for, so that undo
 * moves everything back that lies there by then.
 *
 * @returns `undefined` when every directory can be renamed.
 * @throws {ConflictError} `DRAFT_CONFLICT` when something lies in such a directory where a change
 *   puts something, or a fifo, socket or device, which no record can describe.
 */
export function expandMoves(changes: readonly Change[], tree: OldTree): Expansion | undefined {
  return new Expander(changes, tree).run();
}

class Expander {
  readonly #asked: readonly Change[];
  readonly #tree: OldTree;
  readonly #places: OldPlaces;
  /** What becomes of the node at a place of the old tree. */
  readonly #fates = new Map<TreePath, Change>();
  /** What is put where nothing is expected, by that place of the old tree. */
  readonly #arrivals = new Map<TreePath, Change>();
  /** Hard-link groups that a file of the old tree gets another name of. */
  readonly #sources = new Map<TreePath, number>();
  /** Files with several names that have been met, by the group that they are now. */
  readonly #groups = new Map<string, number>();
  #lastGroup = 0;
  readonly #done = new Set<Change>();
  readonly #changes: Change[] = [];
  #hasTakenApart = false;
  readonly #askedBy = new Map<Change, Change>();
  readonly #attributes = new Map<Before | After, ExtendedAttributes>();

  constructor(changes: readonly Change[], tree: OldTree) {
    this.#asked = changes;
    this.#tree = tree;
    this.#places = new OldPlaces(changes);
    for (const change of changes) this.#survey(change);
  }

  run(): Expansion | undefined {
    for (const change of this.#asked) {
      if (this.#done.has(change)) continue;
      if (change.kind === "rename" && change.before.state.kind === "directory") {
        this.#move(change, change);
      } else this.#keep(change);
    }
    if (!this.#hasTakenApart) return undefined;
    const changes = this.#changes.sort((a, b) => compareTreePaths(a.path, b.path));
    return { changes, askedBy: this.#askedBy, attributes: this.#attributes };
  }

  #survey(change: Change): void {
    const place = this.#places.placeOfChange(change);
    if (change.kind === "create") this.#arrivals.set(place, change);
    else if (change.kind !== "rename") this.#fates.set(place, change);
    else {
      this.#fates.set(change.from, change);
      if (change.replaced === undefined) this.#arrivals.set(place, change);
      else this.#fates.set(place, change);
    }
    if (change.kind === "delete" || change.after.linkGroup === undefined) return;
    this.#lastGroup = Math.max(this.#lastGroup, change.after.linkGroup);
    const source = sourceOf(change.after);
    if (source !== undefined) this.#sources.set(source.path, change.after.linkGroup);
  }

  #add(change: Change, asked: Change): void {
    this.#changes.push(change);
    this.#askedBy.set(change, asked);
  }

  #delete(place: TreePath, before: Before, asked: Change): void {
    this.#add({ kind: "delete", path: asked.path, place, before }, asked);
  }

  /** A change whose node does not move with a directory that is taken apart. */
  #keep(change: Change): void {
    const place = this.#places.placeOfChange(change);
    if (change.kind === "delete") this.#delete(place, change.before, change);
    else if (change.kind !== "rename" || change.replaced === undefined) this.#add(change, change);
    else {
      // It may lie in a directory that is made anew, where nothing is to be replaced.
      const isElsewhere = place !== change.path;
      if (isElsewhere) this.#delete(place, change.replaced, change);
      this.#add(isElsewhere ? { ...change, replaced: undefined } : change, change);
    }
  }

  /** @param asked the change that it stands for. */
  #move(change: RenameChange, asked: Change): void {
    const { path, from, before, replaced } = change;
    if (this.#tree.isMovable(from)) {
      this.#add(change, asked);
      return;
    }
    this.#hasTakenApart = true;
    if (replaced !== undefined) {
      this.#delete(this.#places.placeOfChange(asked), replaced, asked);
    }
    this.#delete(from, before, asked);
    const after = withOldTimes(change);
    const attributes = this.#tree.attributesOf(from);
    if (attributes !== undefined) {
      this.#attributes.set(before, attributes).set(after, attributes);
    }
    this.#add({ kind: "create", path, after }, asked);
    for (const { name, before: found } of this.#tree.childrenOf(from)) {
      this.#moveChild(childOf(from, name), childOf(path, name), found, asked);
    }
  }

  #moveChild(from: TreePath, path: TreePath, found: Before | undefined, asked: Change): void {
    const fate = this.#fates.get(from);
    // What leaves the directory, or vanishes from it, does so by a change of its own.
    if (fate?.kind === "delete" || fate?.kind === "rename") return;
    if (found === undefined) throw conflict("unsupported", from, asked, undefined);
    if (fate?.kind === "modify") {
      this.#moveChanged(from, fate);
      return;
    }
    const arrival = this.#arrivals.get(from);
    if (arrival !== undefined) throw conflict("appeared", from, arrival, found);
    const { state } = found;
    const after = { state, content: undefined, timesSet: false, linkGroup: undefined };
    const move: RenameChange = {
      ...{ kind: "rename", path, from, before: found, after, aspects: [], replaced: undefined },
    };
    if (state.kind === "directory") this.#move(move, asked);
    else if (state.kind === "file") this.#moveFile(move, asked);
    else this.#add(move, asked);
  }

  #moveChanged(from: TreePath, change: ModifyChange): void {
    const { path, before, after, aspects } = change;
    this.#done.add(change);
    if (aspects.includes("type")) {
      this.#delete(from, before, change);
      this.#add({ kind: "create", path, after }, change);
      return;
    }
    const move = {
      kind: "rename",
      path,
      from,
      before,
      after,
      aspects,
      replaced: undefined,
    } as const;
    if (before.state.kind === "directory") this.#move(move, change);
    else this.#add(move, change);
  }

  /** Names of one file stay names of one file: moved one by one, they may part on the way. */
  #moveFile(move: RenameChange, asked: Change): void {
    const { path, from, before } = move;
    let group = this.#sources.get(from);
    if (group === undefined && namesOf(before) > 1) {
      const identity = `${before.stamp?.dev}:${before.stamp?.ino}`;
      group = this.#groups.get(identity);
      if (group !== undefined) {
        this.#delete(from, before, asked);
        const after: After = { ...move.after, linkGroup: group };
        this.#add({ kind: "create", path, after }, asked);
        return;
      }
      group = ++this.#lastGroup;
      this.#groups.set(identity, group);
    }
    this.#add({ ...move, after: { ...move.after, linkGroup: group } }, asked);
  }
}

/** A directory that is made anew shows the times that it would have kept. */
function withOldTimes({ before, after, aspects }: RenameChange): After {
  if (after.timesSet && aspects.includes("times")) return after;
  const { mtimeNs } = before.state;
  return { ...after, state: { ...after.state, mtimeNs }, timesSet: true };
}

function conflict(
  reason: ConflictReason,
  path: TreePath,
  change: Change,
  theirs: Before | undefined,
): ConflictError {
  const ours = change.kind === "delete" ? undefined : change.after;
  return new ConflictError([{ reason, path, change, base: undefined, ours, theirs }]);
}
