import { type Stamp, stampOf } from "../../disk/stamp.ts";
import type { LowerNode } from "../../overlay/pending/pending.ts";
import type { Entry, HarvestSource } from "./harvest-source.ts";
import { mayBeReplaced } from "./replaced-directories.ts";

type Source = Pick<HarvestSource, "layer" | "startedNs" | "listedNs">;
type Place = Pick<Entry, "path" | "lower">;

/**
 * The lower node that a change replaces. Where it changed after the session began, the command may
 * have worked on what was there before: such a base matches nothing, so that the commit compares
 * and reports a conflict instead of losing the other change.
 */
export function baseOf(
  source: Source,
  { path, lower }: Place,
): { readonly base?: LowerNode; readonly seenNs?: bigint } {
  // A directory changes with every name in it: what has changed in it is found by its own times.
  if (lower === undefined || lower.isDirectory()) {
    return { seenNs: seenNs(source, { path, lower }) };
  }
  if (lower.ctimeNs < source.startedNs) return {};
  const stamp: Stamp = { ...stampOf(lower), ctimeNs: 0n, mtimeNs: 0n, ino: 0n };
  return { base: { path, stamp } };
}

/**
 * Until when the commands have seen what lies in a directory that is hidden now. Listings are the
 * disk's own, but of directories that have taken the place of others commands know nothing.
 */
export function seenNs({ layer, startedNs, listedNs }: Source, { path, lower }: Place): bigint {
  if (listedNs <= startedNs || lower?.isDirectory() !== true) return startedNs;
  return mayBeReplaced(layer.root, path, startedNs) ? startedNs : listedNs;
}
