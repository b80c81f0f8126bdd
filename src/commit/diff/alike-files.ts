import type { Stamp } from "../../disk/stamp.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import type { LowerNode } from "../../overlay/pending/pending.ts";
import type { After, Before, Change } from "../change-set/change-set.ts";

/** Another file than the one at its path, which has other names, but just like it. */
export interface AlikeFile {
  readonly path: TreePath;
  readonly base: LowerNode;
  readonly before: Before;
  readonly after: After;
}

/** The files with several names that are changed by some of them, in place. */
export class ChangedElsewhere {
  /** The link groups of those names, by file. */
  readonly #groups = new Map<string, (number | undefined)[]>();

  constructor(changes: readonly Change[]) {
    for (const change of changes) {
      if (change.kind !== "modify" && change.kind !== "rename") continue;
      const { before, after, aspects } = change;
      const { stamp } = before;
      if (stamp === undefined || stamp.nlink < 2 || !after.sameNode || aspects.length === 0) {
        continue;
      }
      const groups = this.#groups.get(fileOf(stamp)) ?? [];
      groups.push(after.linkGroup);
      this.#groups.set(fileOf(stamp), groups);
    }
  }

  /** Whether what lay at the path of a file is changed by a name that is not of the same file. */
  has({ base, after }: AlikeFile): boolean {
    const groups = this.#groups.get(fileOf(base.stamp)) ?? [];
    return groups.some((group) => group === undefined || group !== after.linkGroup);
  }
}

function fileOf({ dev, ino }: Stamp): string {
  return `${dev}:${ino}`;
}
