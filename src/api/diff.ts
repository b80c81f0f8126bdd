import type { Change, ChangeSet } from "../commit/change-set.ts";

/** What is pending: a value, which later changes of the overlay do not alter. */
export class Diff {
  readonly changeSet: ChangeSet;

  /** @internal Made by `overlay.diff()`. */
  constructor(changeSet: ChangeSet) {
    this.changeSet = changeSet;
  }

  /** The changes, sorted by path, parents first. */
  get changes(): readonly Change[] {
    return this.changeSet.changes;
  }
}
