import type { ManifestNode } from "../commit/checkpoint/manifest.ts";
import { type ConflictError, phraseOf } from "../commit/conflict.ts";
import { gitIndexHint } from "../commit/patch/git-names.ts";
import type { TreePath } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import { wayTo } from "../ways.ts";

/** A place that does not hold what an operation left there. */
export interface Divergence {
  readonly path: TreePath;
  readonly reason: "appeared" | "vanished" | "changed" | "retyped" | "occupied";
  /** What the operation left there; `undefined` for nothing. */
  readonly recorded: ManifestNode | undefined;
}

/** How many paths a message names; the error's details have them all. */
const namedPathsMax = 5;

const phrases: Readonly<Record<Divergence["reason"], string>> = {
  appeared: "has appeared",
  vanished: "has vanished",
  changed: "has changed",
  retyped: "is of another kind now",
  occupied: "is a directory that holds what no operation has put there",
};

/** The error that stops an undo, redo or restore because the disk has moved on. */
export function divergenceError(divergences: readonly Divergence[]): DraftError {
  const named = divergences
    .slice(0, namedPathsMax)
    .map(({ path, reason }) => `${JSON.stringify(path || ".")} ${phrases[reason]}`);
  const more = divergences.length - named.length;
  const list = named.join(", ") + (more > 0 ? `, and ${more} more` : "");
  return new DraftError(
    "DRAFT_CONFLICT",
    `Cannot take this back: the tree is not as it was left. ${list}. Nothing was touched. ` +
      "Put these back as they were (drift lists all that differ), or go on with " +
      `${wayTo("overwriteBack")}: the checkpoint keeps what is there now.` +
      gitIndexHint(divergences.map(({ path }) => path)),
    {
      ...(divergences[0] === undefined ? {} : { path: divergences[0].path }),
      details: {
        conflicts: divergences.map(({ path, reason, recorded }) => ({
          path,
          reason,
          base: recorded === undefined ? null : { kind: recorded.kind },
        })),
      },
    },
  );
}

/**
 * The error for a conflict that the commit has met and no closer look finds: it may have passed
 * since, or concerns what a checkpoint does not record, such as the names of a file.
 */
export function unexplained(cause: ConflictError): DraftError {
  const named = cause.conflicts.slice(0, namedPathsMax).map(phraseOf);
  return new DraftError(
    "DRAFT_CONFLICT",
    `Cannot take this back: the tree is not as it was left. ${named.join(", ")}. Nothing was ` +
      `touched. Try again, or go on with ${wayTo("overwriteBack")}: the checkpoint keeps what is ` +
      "there now.",
    { ...(cause.path === undefined ? {} : { path: cause.path }), cause, details: cause.details },
  );
}
