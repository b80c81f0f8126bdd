import { type Lines, linesOf, minus, stale } from "../api/lines.ts";
import type { Doing, Reply } from "./protocol.ts";

/** What a process has put into its view, or taken from it, since it had nothing pending. */
export interface Work {
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}
export const nothing: Work = { added: new Set(), removed: new Set() };

export interface Actor {
  /** The draft that it has open. */
  draft: string | undefined;
  work: Work;
  view: Tree;
}

/** What a saved draft is known to hold: what may be in it, and what must be, one of several. */
export interface Saved {
  readonly work: Work;
  readonly own: readonly Lines[];
}

export type Tree = Record<string, string>;
export type Done = Extract<Reply, { kind: "done" }>;

/** What others did while an operation was stopped. */
export interface Meanwhile {
  readonly lost: Set<string>;
  readonly gained: Set<string>;
  count: number;
  /** Operations that the one that was stopped had recorded by then. */
  recorded: readonly number[];
}

export function isWhole(doing: Extract<Doing, { kind: "commit" }>): boolean {
  return doing.selection.include === undefined && doing.selection.exclude === undefined;
}

/** By file: what one loses may show in another, for now. */
export function removedIn(before: Tree, after: Tree): string[] {
  return Object.entries(before).flatMap(([name, text]) => [
    ...minus(linesOf({ name: text }), linesOf({ name: after[name] ?? "" })),
  ]);
}

export function ownOf({ view, work }: Actor): Set<string> {
  const shown = linesOf(view);
  return new Set([...work.added].filter((line) => shown.has(line)));
}

export function isStale(view: Tree): boolean {
  return Object.values(view).includes(stale);
}
