import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { Change, ModifyChange, RenameChange } from "../change-set/change-set.ts";
import { OldPlaces } from "../change-set/old-places.ts";

/**
 * Directories that were given on purpose the times that they had: the copy of a tree over itself
 * does. That is no change, unless the commit puts, replaces or removes names in them: whoever asked
 * for their times asked for them to be so afterwards.
 */
export class KeptTimes {
  readonly #noted = new Map<TreePath, ModifyChange | RenameChange>();

  /** What becomes of a node that was there before; perhaps nothing. */
  note(change: ModifyChange | RenameChange): void {
    const { path, after, aspects } = change;
    if (after.state.kind !== "directory" || !after.timesSet) return;
    if (aspects.includes("times") || aspects.includes("type")) return;
    this.#noted.set(path, change);
  }

  /** The changes, with the times of those directories in which the others move them. */
  addTo(changes: Change[]): Change[] {
    if (this.#noted.size === 0) return changes;
    const timed = new Map<TreePath, Change>();
    for (const directory of disturbed(changes)) {
      const change = this.#noted.get(directory);
      if (change === undefined) continue;
      timed.set(directory, { ...change, aspects: [...change.aspects, "times"] });
    }
    if (timed.size === 0) return changes;
    const others = changes.filter((change) => change.kind === "delete" || !timed.has(change.path));
    return [...others, ...timed.values()];
  }
}

/** The directories of the new tree in which a commit makes, replaces or removes a name. */
function* disturbed(changes: readonly Change[]): Generator<TreePath> {
  const places = new OldPlaces(changes);
  for (const change of changes) {
    if (change.kind === "modify" && !change.aspects.some((aspect) => renaming.has(aspect)))
      continue;
    yield parentOf(change.path);
    if (change.kind === "rename") yield places.shownIn(change.from);
    else if (change.kind === "delete" && change.place !== undefined) {
      yield places.shownIn(change.place);
    }
  }
}

const renaming: ReadonlySet<string> = new Set(["content", "target", "type"]);
