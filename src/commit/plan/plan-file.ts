import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import { planContentBytesMax } from "../../limits.ts";
import type { After, Before, Change, ChangeSet } from "../change-set/change-set.ts";
import type { ChangeSetJson } from "../change-set/change-set-json.ts";
import { type ChangeSetJsonOptions, changeSetToJson } from "../change-set/change-set-to-json.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import { commitChangeSet } from "../commit.ts";
import type { CommitStore } from "../commit-store.ts";
import { ConflictError, phraseOf } from "../conflict.ts";
import type { CommitOptions } from "../options.ts";
import type { CommitReceipt } from "../receipt.ts";
import { hashFile } from "../tree/large-content.ts";
import { sourceOf } from "./plan.ts";

/**
 * A change set as a file that can be applied later, by another process or on another machine: with
 * the new bytes, and with the ids of the bytes that it is based on in place of inode numbers.
 *
 * @throws {DraftError} `DRAFT_PLAN_STALE` when a file has changed under the overlay already;
 *   `DRAFT_UNSUPPORTED` for more new content than one JSON text can hold.
 */
export function planFileOf(
  disk: Disk,
  changeSet: ChangeSet,
  options: Pick<ChangeSetJsonOptions, "onProgress"> = {},
): ChangeSetJson {
  refuseVast(changeSet);
  const places = new OldPlaces(changeSet.changes);
  const changes = changeSet.changes.map((change) =>
    identifyBases(change, places, (path, before) => identify(disk, changeSet.root, path, before)),
  );
  return changeSetToJson({ ...changeSet, changes }, { ...options, content: true, stamps: false });
}

function refuseVast({ changes }: ChangeSet): void {
  let bytes = 0;
  for (const change of changes) {
    if (change.kind === "delete") continue;
    bytes += change.after.content?.size ?? 0;
    if (bytes <= planContentBytesMax) continue;
    throw new DraftError(
      "DRAFT_UNSUPPORTED",
      `Cannot make a plan file: with ${JSON.stringify(change.path)} it would have more than ` +
        `${planContentBytesMax / 2 ** 20} MiB of new content, which is what a plan file holds. ` +
        "Plan fewer paths at a time, or commit here.",
      { path: change.path },
    );
  }
}

function identifyBases(
  change: Change,
  places: OldPlaces,
  identified: (path: TreePath, before: Before) => Before,
): Change {
  const place = places.placeOfChange(change);
  switch (change.kind) {
    case "create":
      return { ...change, after: identifySource(change.after, identified) };
    case "delete":
      return { ...change, before: identified(place, change.before) };
    case "modify": {
      const after = identifySource(change.after, identified);
      return { ...change, before: identified(place, change.before), after };
    }
    case "rename": {
      const replaced = change.replaced && identified(place, change.replaced);
      return { ...change, before: identified(change.from, change.before), replaced };
    }
  }
}

/** One more name of an unchanged file names that file, in place of holding its bytes again. */
function identifySource(
  after: After,
  identified: (path: TreePath, before: Before) => Before,
): After {
  const source = after.linkGroup === undefined ? undefined : sourceOf(after);
  if (source === undefined || after.sameNode === true) return after;
  const { path, before } = source;
  return { ...after, content: undefined, source: { path, before: identified(path, before) } };
}

/** The same with the id of its bytes, read from the file that the stamp tells of. */
function identify(disk: Disk, root: string, path: TreePath, before: Before): Before {
  const { state, stamp } = before;
  if (state.kind !== "file") return before;
  const descriptor = openBase(disk, absoluteOf(root, path));
  if (descriptor === undefined) throw movedOn(path);
  try {
    const now = disk.fstat(descriptor);
    const isKnown = state.oid !== undefined;
    const isTouched = now.size !== stamp?.size || now.mtimeNs !== stamp.mtimeNs;
    if (now.kind !== "file" || (isTouched && !isKnown)) throw movedOn(path);
    const oid = hashFile(disk, descriptor, now.size);
    if (isKnown && oid !== state.oid) throw movedOn(path);
    return { stamp, state: { ...state, oid } };
  } finally {
    disk.close(descriptor);
  }
}

/** Opens what lies where a base lay; `undefined` when that is no file, or nothing at all. */
function openBase(disk: Disk, place: string): number | undefined {
  if (disk.lstat(place)?.kind !== "file") return undefined;
  try {
    return disk.open(place, openFlags.read);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return undefined;
    throw error;
  }
}

function movedOn(path: TreePath): DraftError {
  return new DraftError(
    "DRAFT_PLAN_STALE",
    `Cannot make a plan: ${JSON.stringify(path)} has changed on the disk since the overlay ` +
      "looked. Commit to see what conflicts, or take back what is pending there.",
    { path, details: { paths: [path] } },
  );
}

/**
 * Applies a plan file to the root of the store, all of it or none.
 *
 * @throws {DraftError} `DRAFT_PLAN_STALE` naming every path that has moved on since the plan was
 *   made; `DRAFT_PLAN_INVALID`; otherwise as {@link commitChangeSet}.
 */
export async function commitPlanFile(
  store: CommitStore,
  json: unknown,
  options: CommitOptions = {},
): Promise<CommitReceipt> {
  // The schema is a large part of what there is to load, and only needed here.
  const { changeSetFromJson } = await import("../change-set/change-set-json.ts");
  const changeSet = { ...changeSetFromJson(json), root: store.state.root };
  try {
    return await commitChangeSet(store, changeSet, { ...options, operation: "apply" });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    throw stale(
      error.conflicts.map(({ path }) => path),
      error,
    );
  }
}

function stale(paths: readonly TreePath[], cause: ConflictError): DraftError {
  const list = paths.map((path) => JSON.stringify(path)).join(", ");
  const relinked = cause.conflicts.filter(({ reason }) => reason === "relinked");
  const links = relinked.map((conflict) => ` ${phraseOf(conflict)}.`).join("");
  return new DraftError(
    "DRAFT_PLAN_STALE",
    `Cannot apply the plan: the tree has moved on at ${list}.${links} Nothing was touched. ` +
      "Make the plan anew.",
    { cause, details: { paths, ...cause.details } },
  );
}
