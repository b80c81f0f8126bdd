import { join } from "node:path";
import type { ChangeSet } from "../commit/change-set/change-set.ts";
import { unfinishedIn } from "../engines/stream/unfinished-streams.ts";
import type { OverlayFs } from "../overlay/layer.ts";

/** Leaves out what streams have written only a part of so far: it stays pending. */
export function withoutUnfinished(fs: OverlayFs, all: ChangeSet): ChangeSet {
  const unfinished = unfinishedIn(fs);
  if (unfinished.size === 0) return all;
  const isDone = ({ path }: { readonly path: string }) => !unfinished.has(join(all.root, path));
  return { ...all, changes: all.changes.filter(isDone) };
}
