import { aspectsOf } from "../change-set/aspects.ts";
import type { After, Before, Change, ChangeSet } from "../change-set/change-set.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import type { Conflict } from "../conflict.ts";

/** What is to become of a change whose place has moved on. */
export type Resolution =
  /** It is carried out over what lies there now. */
  | { readonly kind: "ours" }
  /** It is dropped: what lies there now stays. */
  | { readonly kind: "theirs" }
  /** Another content takes the place of both. */
  | { readonly kind: "content"; readonly content: NonNullable<After["content"]> };

/**
 * A change set that is based on what lies there now, according to how its conflicts were resolved.
 * Conflicts that cannot be resolved this way are left as they are and will be met again: a
 * directory in the way holds what nobody has looked at, a moved node that is gone cannot be moved.
 */
export function acceptResolutions(
  changeSet: ChangeSet,
  resolved: ReadonlyMap<Conflict, Resolution>,
): ChangeSet {
  const places = new OldPlaces(changeSet.changes);
  const byChange = new Map<Change, { conflict: Conflict; resolution: Resolution }[]>();
  for (const [conflict, resolution] of resolved) {
    const list = byChange.get(conflict.change) ?? [];
    list.push({ conflict, resolution });
    byChange.set(conflict.change, list);
  }
  const changes = changeSet.changes.flatMap((change) => {
    let current: Change | undefined = change;
    for (const { conflict, resolution } of byChange.get(change) ?? []) {
      if (current === undefined) break;
      current = accept(current, conflict, resolution, places);
    }
    return current === undefined ? [] : [current];
  });
  return { ...changeSet, changes };
}

function accept(
  change: Change,
  conflict: Conflict,
  resolution: Resolution,
  places: OldPlaces,
): Change | undefined {
  if (resolution.kind === "theirs") return undefined;
  const theirs = conflict.theirs;
  if (change.kind === "delete") {
    if (conflict.reason === "vanished" || conflict.reason === "unreachable") return undefined;
    const isFilled = theirs?.state.kind === "directory" && change.before.state.kind !== "directory";
    return theirs === undefined || isFilled ? change : { ...change, before: theirs };
  }
  const after = onOtherNode(withContent(change.after, resolution), conflict, resolution);
  if (change.kind === "rename") {
    if (theirs === undefined) return { ...change, after };
    if (conflict.path === change.from) {
      const isSameKind = theirs.state.kind === change.before.state.kind;
      return isSameKind ? { ...change, before: theirs, after } : change;
    }
    return isDirectory(theirs) ? change : { ...change, after, replaced: theirs };
  }
  if (conflict.path !== places.placeOf(change.path)) return change;
  return rebased(change, after, theirs);
}

/** A create or modify with what lies there now for its base. */
function rebased(change: Change, after: After, theirs: Before | undefined): Change | undefined {
  const { path } = change;
  if (theirs === undefined) {
    const hasContent = after.state.kind !== "file" || after.content !== undefined;
    return hasContent ? { kind: "create", path, after } : change;
  }
  if (isDirectory(theirs) && after.state.kind !== "directory") return change;
  const aspects = aspectsOf(theirs.state, after, () => false);
  // Somebody else has done the very same.
  if (aspects.length === 0) return undefined;
  return { kind: "modify", path, before: theirs, after, aspects };
}

function withContent(after: After, resolution: Resolution): After {
  if (resolution.kind !== "content" || after.state.kind !== "file") return after;
  const { content } = resolution;
  const state = { ...after.state, size: content.size, oid: undefined };
  return { ...after, state, content };
}

/**
 * A name of a file with several names has become a name of another file: the bytes that go into the
 * first do not reach it. It becomes a name of the first again, but for bytes of its own.
 */
function onOtherNode(after: After, { base, theirs }: Conflict, { kind }: Resolution): After {
  if (after.linkGroup === undefined || base?.stamp === undefined || theirs?.stamp === undefined) {
    return after;
  }
  const isSame = theirs.stamp.ino === base.stamp.ino && theirs.stamp.dev === base.stamp.dev;
  if (isSame) return after;
  return { ...after, sameNode: false, linkGroup: kind === "content" ? undefined : after.linkGroup };
}

function isDirectory(before: Before): boolean {
  return before.state.kind === "directory";
}
