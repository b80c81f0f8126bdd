import { packedContentBytesMax } from "../../limits.ts";
import type { NodeState } from "../change-set/change-set.ts";
import type { CommitPlan } from "./plan.ts";

/** About how large a pack becomes: what is new, what it replaces, and what they are entered in. */
export function packBytesOf({ staged, expectations }: CommitPlan): number {
  let bytes = 0;
  for (const { after } of staged) bytes += packedBytesOf(after.state);
  for (const { before } of expectations) bytes += packedBytesOf(before?.state);
  return bytes;
}

/** With room for an entry's frame, and for its lines in trees and manifest. */
function packedBytesOf(state: NodeState | undefined): number {
  if (state?.kind !== "file" || state.size > packedContentBytesMax) return 0;
  return state.size + 512;
}
