import { isPlaceOnly } from "../../disk/stamp.ts";
import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import {
  type After,
  type Before,
  type Change,
  type ChangeSet,
  type ModifyChange,
  namesOf,
  type RenameChange,
} from "../change-set/change-set.ts";
import { checkPaths } from "../change-set/check-paths.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import { stateOf } from "../tree/images.ts";
import type { Slot, StepOf } from "./step.ts";

/** A step of a plan; slots are bare names until the commit has a staging place. */
export type PlannedStep = StepOf<Before, After>;

/** What must lie at a place of the old tree for the plan to hold; `undefined`: nothing. */
export interface Expectation {
  readonly path: TreePath;
  readonly before: Before | undefined;
  /** The change that rests on it. */
  readonly change: Change;
}

const replacing: ReadonlySet<string> = new Set(["content", "type"]);

/** Whether what lies at an expected place has its bytes replaced, removed or moved away. */
export function losesBytes({ change, path }: Expectation): boolean {
  return (
    change.kind === "delete" ||
    (change.kind === "modify" && change.aspects.some((aspect) => replacing.has(aspect))) ||
    (change.kind === "rename" && (path !== change.from || change.aspects.includes("content")))
  );
}

/** Something to be written before anything is decided. */
export interface StagedItem {
  readonly slot: Slot;
  /** Where it goes in the new tree. */
  readonly path: TreePath;
  readonly after: After;
}

/** How a change set is carried out: a value, made without touching the disk. */
export interface CommitPlan {
  readonly changeSet: ChangeSet;
  /** What was asked for, where another change set comes to the same on this file system. */
  readonly asked: ChangeSet;
  readonly expectations: readonly Expectation[];
  readonly staged: readonly StagedItem[];
  /** Unchanged files that get one more name, by the name's `after`. */
  readonly linked: ReadonlyMap<After, Before>;
  /** In the order in which they are carried out. */
  readonly steps: readonly PlannedStep[];
}

/**
 * Plans a change set: which nodes are staged, moved, removed and made, and in which order.
 *
 * Renames go straight to their place where nothing is in the way; chains, cycles, case-only renames
 * and moves out of moved or removed directories go through a slot, which makes any order right.
 *
 * @throws {DraftError} `DRAFT_PLAN_INVALID` when the change set is not one: paths that leave the
 *   root, occur twice or touch the state directory.
 */
export function planCommit(changeSet: ChangeSet, options: PlanOptions = {}): CommitPlan {
  checkPaths(changeSet);
  return new Planner(changeSet, options).plan();
}

/** What a file system does not do as others do. */
export interface PlanOptions {
  readonly asked?: ChangeSet;
  /** Writing to a file may part it from its other names: each of them is written to. */
  readonly partsNames?: boolean;
}

class Planner {
  readonly #changeSet: ChangeSet;
  readonly #options: PlanOptions;
  readonly #places: OldPlaces;
  /** Places of the old tree whose node leaves or vanishes. */
  readonly #vacated = new Set<TreePath>();
  /** Places of the new tree where something is put, and all directories above them. */
  readonly #approached = new Set<TreePath>();
  readonly #expectations: Expectation[] = [];
  readonly #staged: StagedItem[] = [];
  readonly #early: PlannedStep[] = [];
  readonly #parks: PlannedStep[] = [];
  readonly #removes: PlannedStep[] = [];
  readonly #attaches: PlannedStep[] = [];
  /** After all other attaching: what they link to is in place then. */
  readonly #links: PlannedStep[] = [];
  /**
   * After all that takes a name from the files that are written: what lay at such a name would not
   * be recognised any more, should a crash come in between.
   */
  readonly #writes: PlannedStep[] = [];
  readonly #linked = new Map<After, Before>();
  readonly #late: PlannedStep[] = [];
  /** Where the first name of each hard-link group lies in the new tree. */
  readonly #groups = new Map<number, TreePath>();
  #slots = 0;

  constructor(changeSet: ChangeSet, options: PlanOptions) {
    this.#changeSet = changeSet;
    this.#options = options;
    this.#places = new OldPlaces(changeSet.changes);
  }

  plan(): CommitPlan {
    const { changes } = this.#changeSet;
    for (const change of changes) this.#survey(change);
    for (const change of changes) this.#anchor(change);
    for (const change of changes) this.#expect(change);
    for (const change of changes) this.#add(change);
    return {
      changeSet: this.#changeSet,
      asked: this.#options.asked ?? this.#changeSet,
      expectations: this.#expectations,
      staged: this.#staged,
      linked: this.#linked,
      steps: [
        ...this.#early,
        // One order for both: what is removed from a directory goes before that is parked, and what
        // is parked out of one goes before that is removed.
        ...[...this.#parks, ...this.#removes].sort(deepestFirst),
        ...this.#attaches,
        ...this.#aroundWrites(),
        ...this.#late.reverse(),
      ],
    };
  }

  /** New names of a file that is written are names of its new bytes, also when it is taken back. */
  #aroundWrites(): PlannedStep[] {
    const written = new Set(this.#writes.map(({ path }) => path));
    const isOfWritten = (step: PlannedStep): boolean =>
      step.kind === "link" && written.has(step.source);
    const others = this.#links.filter((step) => !isOfWritten(step));
    return [...others, ...this.#writes, ...this.#links.filter(isOfWritten)];
  }

  #survey(change: Change): void {
    const place = this.#places.placeOfChange(change);
    switch (change.kind) {
      case "delete":
        this.#vacated.add(place);
        return;
      case "rename":
        this.#vacated.add(change.from);
        // What comes out of it must be out before it goes.
        if (change.replaced?.state.kind === "directory") this.#vacated.add(place);
        break;
      case "modify":
        if (change.aspects.includes("type")) this.#vacated.add(place);
        break;
      case "create":
        break;
    }
    let path = change.path;
    while (!this.#approached.has(path)) {
      this.#approached.add(path);
      path = parentOf(path);
    }
  }

  /** Finds a name of each hard-link group that keeps its inode, for the others to link to. */
  #anchor(change: Change): void {
    if (change.kind === "delete" || change.after.linkGroup === undefined) return;
    const group = change.after.linkGroup;
    if (this.#groups.has(group)) return;
    if (keepsNode(change)) this.#groups.set(group, change.path);
  }

  #expect(change: Change): void {
    const place = this.#places.placeOfChange(change);
    const expect = (path: TreePath, before: Before | undefined): void => {
      this.#expectations.push({ path, before, change });
    };
    switch (change.kind) {
      case "create":
        if (this.#canBeTaken(change.path, place)) expect(place, undefined);
        return;
      case "modify":
      case "delete":
        expect(place, change.before);
        return;
      case "rename":
        expect(change.from, change.before);
        if (change.replaced !== undefined) expect(place, change.replaced);
        else if (this.#canBeTaken(change.path, place)) expect(place, undefined);
        return;
    }
  }

  /** Not where another change removes what lies there. */
  #canBeTaken(path: TreePath, place: TreePath): boolean {
    return !this.#vacated.has(place) && this.#places.canBeTaken(path);
  }

  #add(change: Change): void {
    switch (change.kind) {
      case "create":
        this.#put(change, change.after, undefined);
        return;
      case "delete":
        this.#remove(this.#places.placeOfChange(change), change.before);
        return;
      case "modify":
        this.#modify(change);
        return;
      case "rename":
        this.#rename(change);
        return;
    }
  }

  #remove(path: TreePath, node: Before): void {
    this.#removes.push({ kind: "remove", path, node });
  }

  #modify(change: ModifyChange): void {
    const { path, before, after, aspects } = change;
    if (aspects.includes("type")) {
      const isDirectory = before.state.kind === "directory" || after.state.kind === "directory";
      if (isDirectory) this.#remove(this.#places.placeOf(path), before);
      this.#put(change, after, isDirectory ? undefined : before);
      return;
    }
    if (keepsWrittenNode(change)) {
      this.#write(path, after, before);
      return;
    }
    if (aspects.includes("content") || aspects.includes("target")) {
      this.#put(change, after, before);
      return;
    }
    this.#attributes(change, this.#places.placeOf(path));
  }

  /** @param place of the node in the old tree. */
  #attributes(change: ModifyChange | RenameChange, place: TreePath): void {
    const { path, before, after, aspects } = change;
    if (gainsAccess(before, after)) {
      this.#early.push({
        kind: "attributes",
        path: place,
        phase: "early",
        before,
        after,
        times: false,
      });
    }
    const times = aspects.includes("times") && after.timesSet;
    this.#late.push({ kind: "attributes", path, phase: "late", before, after, times });
  }

  /** Puts a new node at a path: a directory, a staged file or link, or one more hard link. */
  #put(change: Change, after: After, replaced: Before | undefined): void {
    const { path } = change;
    const over = replaced ?? null;
    if (after.state.kind === "directory") {
      this.#attaches.push({ kind: "mkdir", path, node: after });
      if (after.timesSet || !isWorkable(after.state.mode)) {
        const times = after.timesSet;
        this.#late.push({ kind: "attributes", path, phase: "late", before: null, after, times });
      }
      return;
    }
    const group = after.linkGroup;
    const source = group === undefined ? undefined : this.#linkSource(group, after, change);
    if (source !== undefined && source !== path) {
      const staged = this.#slot();
      this.#links.push({ kind: "link", path, source, staged, node: after, replaced: over });
      return;
    }
    if (group !== undefined) this.#groups.set(group, path);
    const staged = this.#stage(path, after);
    const times = after.timesSet;
    this.#attaches.push({ kind: "install", path, staged, node: after, replaced: over, times });
  }

  /** New bytes into a node that lies at a path by then, for its other names to show them too. */
  #write(path: TreePath, after: After, before: Before): void {
    const group = after.linkGroup;
    // Another name of the very inode that is written in place through its first one.
    const isWritten = group !== undefined && this.#groups.get(group) !== path;
    if (isWritten && this.#options.partsNames !== true) return;
    const staged = this.#stage(path, after);
    const times = after.timesSet;
    this.#writes.push({ kind: "write", path, staged, node: after, replaced: before, times });
  }

  #stage(path: TreePath, after: After): Slot {
    const slot = this.#slot();
    this.#staged.push({ slot, path, after });
    return slot;
  }

  /** Where the new tree will hold the file that a new name is to be linked to. */
  #linkSource(group: number, after: After, change: Change): TreePath | undefined {
    const known = this.#groups.get(group);
    const source = sourceOf(after);
    if (known !== undefined || source === undefined || this.#vacated.has(source.path)) return known;
    this.#linked.set(after, source.before);
    this.#expectations.push({ ...source, change });
    return this.#places.shownAt(source.path);
  }

  #rename(change: RenameChange): void {
    const { path, from, before, after, aspects } = change;
    const place = this.#places.placeOf(path);
    let replaced = change.replaced;
    const involvesDirectory = before.state.kind === "directory";
    if (replaced !== undefined && (involvesDirectory || replaced.state.kind === "directory")) {
      this.#remove(place, replaced);
      replaced = undefined;
    }
    if (needsNewNode(change)) {
      this.#remove(from, before);
      this.#put(change, after, replaced);
      return;
    }
    const slot = this.#mustPark(change) ? this.#slot() : null;
    if (slot !== null) {
      this.#parks.push({ kind: "park", path: from, slot, finally: path, node: before });
    }
    const over = replaced ?? null;
    this.#attaches.push({ kind: "move", path, from, slot, node: before, replaced: over });
    if (aspects.includes("content")) this.#write(path, after, before);
    else if (aspects.length > 0) this.#attributes(change, from);
  }

  /** Whether the old place is no good any more by the time that the new one can be filled. */
  #mustPark(change: RenameChange): boolean {
    if (this.#approached.has(change.from)) return true;
    if (change.from.toLowerCase() === change.path.toLowerCase()) return true;
    for (let up = parentOf(change.from); up !== ""; up = parentOf(up)) {
      if (this.#vacated.has(up)) return true;
    }
    return false;
  }

  #slot(): Slot {
    return String(this.#slots++);
  }
}

/** Whether the node that a change is based on is at its path afterwards. */
export function keepsNode(change: Change): change is ModifyChange | RenameChange {
  // Mode, owner and times alone are given to the node that is there, whoever has seen it.
  if (change.kind === "modify") return change.after.sameNode === true || !givesOtherBytes(change);
  return change.kind === "rename" && !needsNewNode(change);
}

/** Whether a moved node gets other bytes, so that it is in truth a new one. */
function needsNewNode(change: Change): boolean {
  return change.kind === "rename" && !keepsWrittenNode(change) && givesOtherBytes(change);
}

function givesOtherBytes({ aspects }: ModifyChange | RenameChange): boolean {
  return aspects.includes("content") || aspects.includes("target") || aspects.includes("type");
}

/** Whether new bytes go into the node that was there, because its other names show it too. */
function keepsWrittenNode(change: Change): boolean {
  if (change.kind !== "modify" && change.kind !== "rename") return false;
  const { before, after, aspects } = change;
  return aspects.includes("content") && after.sameNode === true && namesOf(before) > 1;
}

/** The file of the old tree that a new name without bytes of its own is to be linked to. */
export function sourceOf({ source, content }: After): After["source"] {
  const lower = content?.lower;
  if (source !== undefined || lower === undefined || isPlaceOnly(lower.stamp)) return source;
  const state = stateOf(lower.stamp, undefined);
  return state && { path: lower.path, before: { state, stamp: lower.stamp } };
}

/** Whether its owner can list, enter and change a directory of this mode. */
function isWorkable(mode: number): boolean {
  return (mode & 0o700) === 0o700;
}

function gainsAccess(before: Before, after: After): boolean {
  if (before.state.kind !== "directory" || after.state.kind !== "directory") return false;
  return !isWorkable(before.state.mode) && (after.state.mode & ~before.state.mode & 0o700) !== 0;
}

function deepestFirst(left: PlannedStep, right: PlannedStep): number {
  return right.path.split("/").length - left.path.split("/").length;
}
