import type { After, Aspect, NodeState } from "./change-set.ts";

/**
 * What differs between what lay at a path and what shall lie there.
 *
 * Times count where they were set on purpose, and to the microsecond, which is what can be written.
 *
 * @param isSameContent asked for files of which the ids do not tell.
 */
export function aspectsOf(before: NodeState, after: After, isSameContent: () => boolean): Aspect[] {
  const { state } = after;
  if (before.kind !== state.kind) return ["type"];
  const aspects: Aspect[] = [];
  if (before.kind === "file" && state.kind === "file" && after.content !== undefined) {
    const areKnown = before.oid !== undefined && state.oid !== undefined;
    const isSame = areKnown ? before.oid === state.oid : isSameContent();
    if (!isSame) aspects.push("content");
  }
  if (before.kind === "symlink" && state.kind === "symlink") {
    if (before.target !== state.target) aspects.push("target");
  } else if (modeOf(before) !== modeOf(state)) aspects.push("mode");
  if (before.uid !== state.uid || before.gid !== state.gid) aspects.push("owner");
  if (after.timesSet && before.mtimeNs / 1000n !== state.mtimeNs / 1000n) aspects.push("times");
  return aspects;
}

function modeOf(state: NodeState): number {
  return state.kind === "symlink" ? 0 : state.mode;
}
