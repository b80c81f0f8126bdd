import { isWithin, parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { Change, ChangeSet } from "./change-set.ts";
import { globMatcher } from "./glob.ts";
import { OldPlaces } from "./old-places.ts";

/** Which part of a change set is meant; see {@link globMatcher} for the patterns. */
export interface Selection {
  /** Everything when omitted. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/**
 * The part of a change set that a selection means, with whatever it cannot do without: the new
 * directories above a new file, what must leave a directory before that is deleted, the other names
 * of a hard link, what has to make room. Such a change is taken even where it is excluded.
 *
 * A rename is meant when its old or its new path is.
 */
export function selectChanges(changeSet: ChangeSet, selection: Selection): ChangeSet {
  if (selection.include === undefined && selection.exclude === undefined) return changeSet;
  const isIncluded = selection.include === undefined ? () => true : globMatcher(selection.include);
  const isExcluded = globMatcher(selection.exclude ?? []);
  const isMeant = (path: TreePath): boolean => isIncluded(path) && !isExcluded(path);
  const chosen = new Set(
    changeSet.changes.filter(
      (change) => isMeant(change.path) || (change.kind === "rename" && isMeant(change.from)),
    ),
  );
  const needs = new Dependencies(changeSet);
  for (const change of chosen) for (const other of needs.of(change)) chosen.add(other);
  return { ...changeSet, changes: changeSet.changes.filter((change) => chosen.has(change)) };
}

/** Which changes of a set rest on which others. */
class Dependencies {
  readonly #changes: readonly Change[];
  readonly #places: OldPlaces;
  readonly #byPath = new Map<TreePath, Change>();
  readonly #bySource = new Map<TreePath, Change>();
  readonly #byGroup = new Map<number, Change[]>();
  /** What goes away or out of a place of the old tree, for those above it. */
  readonly #leaving: { readonly place: TreePath; readonly change: Change }[] = [];

  constructor({ changes }: ChangeSet) {
    this.#changes = changes;
    this.#places = new OldPlaces(changes);
    for (const change of changes) this.#note(change);
  }

  /** The changes that `change` needs at once; those need others in turn. */
  *of(change: Change): Generator<Change> {
    if (change.kind !== "delete") {
      yield* this.#above(change.path);
      yield* this.#makingRoom(change.path);
      const group = change.after.linkGroup;
      if (group !== undefined) yield* this.#byGroup.get(group) ?? [];
    } else if (change.place === undefined) {
      yield* this.#above(change.path);
    }
    const emptied = this.#emptiedPlace(change);
    if (emptied === undefined) return;
    for (const { place, change: other } of this.#leaving) {
      if (place !== emptied && isWithin(place, emptied)) yield other;
    }
  }

  #note(change: Change): void {
    if (change.kind === "delete") {
      this.#leaving.push({ place: this.#places.placeOfChange(change), change });
      if (change.place !== undefined) return;
    } else if (change.after.linkGroup !== undefined) {
      const members = this.#byGroup.get(change.after.linkGroup);
      if (members === undefined) this.#byGroup.set(change.after.linkGroup, [change]);
      else members.push(change);
    }
    if (change.kind === "rename") {
      this.#leaving.push({ place: change.from, change });
      this.#bySource.set(change.from, change);
    }
    this.#byPath.set(change.path, change);
  }

  /** New, moved and retyped directories on the way to a path. */
  *#above(path: TreePath): Generator<Change> {
    if (this.#changes.length < 2) return;
    for (let up = parentOf(path); up !== ""; up = parentOf(up)) {
      const change = this.#byPath.get(up);
      if (change === undefined || change.kind === "delete") continue;
      if (change.kind !== "modify" || change.aspects.includes("type")) yield change;
    }
  }

  /** The rename that takes away what lay at the place before. */
  *#makingRoom(path: TreePath): Generator<Change> {
    const change = this.#bySource.get(this.#places.placeOf(path));
    if (change !== undefined) yield change;
  }

  /** The directory of the old tree that must be empty for the change, if there is one. */
  #emptiedPlace(change: Change): TreePath | undefined {
    const place = this.#places.placeOfChange(change);
    switch (change.kind) {
      case "create":
        return undefined;
      case "delete":
        return change.before.state.kind === "directory" ? place : undefined;
      case "modify": {
        const isEmptied = change.aspects.includes("type");
        return isEmptied && change.before.state.kind === "directory" ? place : undefined;
      }
      case "rename":
        return change.replaced?.state.kind === "directory" ? place : undefined;
    }
  }
}
