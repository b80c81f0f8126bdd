import type { Diff } from "../../index.ts";
import type { ChangeTotals, ShownChange } from "./changes-view.ts";

/** The changes of a diff with what is shown of them. */
export function shownChangesOf(diff: Diff): ShownChange[] {
  const counts = diff.lineCounts();
  return diff.changes.map((change) => ({ change, lines: counts.get(change.path) }));
}

/** Totals over changes. */
export function totalsOf(shown: readonly ShownChange[]): ChangeTotals {
  const counts = { create: 0, modify: 0, delete: 0, rename: 0 };
  let insertions = 0;
  let deletions = 0;
  let bytes = 0;
  for (const { change, lines } of shown) {
    counts[change.kind] += 1;
    insertions += lines?.insertions ?? 0;
    deletions += lines?.deletions ?? 0;
    if (change.kind !== "delete" && change.after.content !== undefined) {
      bytes += change.after.content.size;
    }
  }
  return {
    added: counts.create,
    modified: counts.modify,
    deleted: counts.delete,
    renamed: counts.rename,
    insertions,
    deletions,
    bytes,
  };
}
