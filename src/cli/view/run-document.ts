import type { Diff, RunResult } from "../../index.ts";
import { documentPatchBytesMax } from "../../limits.ts";
import { forCommandLine } from "../../ways.ts";
import type { ShownChange } from "./changes-view.ts";
import { shownChangesOf, totalsOf } from "./shown-changes.ts";

/** A command that ended, as `run --json` tells of it: which changes are its own, what bound it. */
export function commandDocument(result: RunResult): Record<string, unknown> {
  const { exitCode, signal, isTimedOut, elapsedMs, engine, isolation } = result;
  const { passedOver, limits, notes, warnings, changes } = result;
  return {
    exitCode,
    signal: signal ?? null,
    isTimedOut,
    elapsedMs,
    engine,
    isolation,
    passedOver,
    limits: limits.map((limit) => ({ ...limit, isReached: limit.isReached ?? null })),
    notes: notes.map(forCommandLine),
    warnings: warnings.map(forCommandLine),
    changes,
  };
}

/**
 * What is pending, as `run --json` tells of it: the changes, lines and bytes of each file, and the
 * patch; `null` in its place when it would make the document too large to be read at once.
 */
export function pendingDocument(diff: Diff): Record<string, unknown> {
  const isSmall = contentBytes(diff.changes) <= documentPatchBytesMax;
  return { ...figuresDocument(diff), patch: isSmall ? diff.toPatch().toString() : null };
}

/** The changes, lines and bytes of each file, and totals. */
export function figuresDocument(diff: Diff): Record<string, unknown> {
  const shown = shownChangesOf(diff);
  return { ...diff.toJSON(), files: shown.flatMap(fileDocument), totals: totalsOf(shown) };
}

function fileDocument({ change, lines }: ShownChange): Record<string, unknown>[] {
  const before = change.kind === "create" ? undefined : change.before.state;
  const after = change.kind === "delete" ? undefined : change.after.state;
  if (before?.kind !== "file" && after?.kind !== "file") return [];
  return [
    {
      path: change.path,
      kind: change.kind,
      // Without lines: binary, or very large.
      insertions: lines?.insertions ?? null,
      deletions: lines?.deletions ?? null,
      bytesBefore: before?.kind === "file" ? before.size : null,
      bytesAfter: after?.kind === "file" ? after.size : null,
    },
  ];
}

function contentBytes(changes: Diff["changes"]): number {
  return changes.reduce((total, change) => {
    const sides = [
      change.kind === "create" ? undefined : change.before.state,
      change.kind === "delete" ? undefined : change.after.state,
    ];
    return total + sides.reduce((sum, side) => sum + (side?.kind === "file" ? side.size : 0), 0);
  }, 0);
}
