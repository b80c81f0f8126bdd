import { LowerTree } from "../../commit/diff/lower-tree.ts";
import { stampOf } from "../../disk/stamp.ts";
import type { Content } from "../../overlay/pending/pending.ts";
import type { Entry, HarvestSource } from "./harvest-source.ts";

/**
 * Whether a command has changed one of several names of a file, and a kernel's overlay has left the
 * others as they were. Not where the bytes are the same: what else has changed is committed to the
 * file, for all of its names. An engine that itself knows where a file lay changes them all.
 */
export function isSplitOff(
  { layer, origins }: Pick<HarvestSource, "layer" | "origins">,
  { path, stats, lower }: Entry,
  content: Content,
): boolean {
  // The links of a directory are no names.
  if (lower?.isFile() !== true || lower.nlink < 2n || stats.nlink !== 1n) return false;
  if (typeof origins === "function") return false;
  return !new LowerTree(layer.lower, layer.root).holds({ path, stamp: stampOf(lower) }, content);
}
