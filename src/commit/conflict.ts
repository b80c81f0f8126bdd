import type { TreePath } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import { wayTo } from "../ways.ts";
import type { After, Before, Change } from "./change-set/change-set.ts";
import { gitIndexHint } from "./patch/git-names.ts";

/**
 * A place that does not hold what a change was based on.
 *
 * - `appeared`: something lies where nothing did
 * - `vanished`: nothing lies where something did
 * - `changed`: other content, another target, or other attributes than the change replaces
 * - `retyped`: another kind of node
 * - `relinked`: its hard links are others than the change was made for
 * - `unreachable`: a directory on the way is gone, or is a link now
 * - `unsupported`: a fifo, socket or device, which draftfs does not touch
 */
export interface Conflict {
  readonly reason: ConflictReason;
  /** The place on the disk. */
  readonly path: TreePath;
  readonly change: Change;
  /** What the change was based on. */
  readonly base: Before | undefined;
  /** What the change would put there. */
  readonly ours: After | undefined;
  /** What lies there now. */
  readonly theirs: Before | undefined;
}

export type ConflictReason =
  | "appeared"
  | "vanished"
  | "changed"
  | "retyped"
  | "relinked"
  | "unreachable"
  | "unsupported";

/** How many conflicts a message names; the error's details have them all. */
const namedConflictsMax = 5;

/** The error that refuses a commit because the disk has moved on. */
export class ConflictError extends DraftError {
  readonly conflicts: readonly Conflict[];

  /** @param reasons - why a conflict was left by who was asked to decide it. */
  constructor(
    conflicts: readonly Conflict[],
    reasons: ReadonlyMap<Conflict, string | undefined> = new Map(),
  ) {
    const named = conflicts.slice(0, namedConflictsMax).map((conflict) => {
      const reason = reasons.get(conflict);
      return phraseOf(conflict) + (reason === undefined ? "" : ` and ${reason}`);
    });
    const more = conflicts.length - named.length;
    const list = named.join(", ") + (more > 0 ? `, and ${more} more` : "");
    super(
      "DRAFT_CONFLICT",
      `Cannot commit: the tree has changed under the draft. ${list}. Nothing was touched. ` +
        (reasons.size === 0 ? lookAndMerge : mergeByHand) +
        (conflicts.some(({ reason }) => reason === "unreachable") ? makeAgain : "") +
        gitIndexHint(conflicts.map(({ path }) => path)),
      {
        ...(conflicts[0] === undefined ? {} : { path: conflicts[0].path }),
        details: { conflicts: conflicts.map((one) => describe(one, reasons.get(one))) },
      },
    );
    this.conflicts = conflicts;
  }
}

/** A conflict in a few words, which begin with its path. */
export function phraseOf({ path, reason }: Conflict): string {
  return `${JSON.stringify(path || ".")} ${phrases[reason]}`;
}

const phrases: Readonly<Record<ConflictReason, string>> = {
  appeared: "has appeared",
  vanished: "has vanished",
  changed: "has changed",
  retyped: "is of another kind now",
  relinked: "shares its content with other names than it did (hard links)",
  unreachable: "cannot be reached any more",
  unsupported: "is a fifo, socket or device",
};

const leaveOut = `leave these out with ${wayTo("exclude")}, or discard.`;

const lookAndMerge =
  `Look at the files, then commit again: merge texts with ${wayTo("merge")}, overwrite what ` +
  `is on disk with ${wayTo("overwrite")}, ${leaveOut}`;

const mergeByHand =
  "Bring what is on disk into the draft, and commit again: overwrite what is on disk with " +
  `${wayTo("overwrite")}, ${leaveOut}`;

const makeAgain = " Where a directory has gone, make it again before.";

function describe(conflict: Conflict, because: string | undefined): Record<string, unknown> {
  const { reason, path, base, ours, theirs } = conflict;
  const sides = { base: sideOf(base), ours: sideOf(ours), theirs: sideOf(theirs) };
  return { path, reason, ...(because === undefined ? {} : { because }), ...sides };
}

/** One side of a conflict as plain data; `null` for nothing. */
function sideOf(side: Before | After | undefined): Record<string, unknown> | null {
  if (side === undefined) return null;
  const { state } = side;
  const common = { kind: state.kind, mtimeNs: String(state.mtimeNs) };
  switch (state.kind) {
    case "file":
      return { ...common, mode: state.mode, size: state.size, oid: state.oid ?? null };
    case "directory":
      return { ...common, mode: state.mode };
    case "symlink":
      return { ...common, target: state.target };
  }
}
