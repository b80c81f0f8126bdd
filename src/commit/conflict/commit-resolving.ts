import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import { packedContentBytesMax, resolutionRoundsMax } from "../../limits.ts";
import { readContent } from "../../overlay/content/content.ts";
import type { Before, ChangeSet } from "../change-set/change-set.ts";
import type { CommitStore } from "../commit-store.ts";
import { type Conflict, ConflictError } from "../conflict.ts";
import type { CommitOptions } from "../options.ts";
import { prepareCommit } from "../prepare.ts";
import type { CommitReceipt } from "../receipt.ts";
import { acceptResolutions, type Resolution } from "./accept.ts";
import { type ConflictDecision, resolutionOf } from "./conflict-decision.ts";
import { ProjectContents } from "./project-contents.ts";
import { RecordedBases } from "./recorded-bases.ts";

/** The three contents of a conflict; `undefined` for what is no file, too large or not known. */
export interface ConflictSides {
  /**
   * What the change was based on, where somebody kept it: the checkpoint store, the git repository
   * that the root lies in, or the caller.
   */
  readonly base: Buffer | undefined;
  readonly ours: Buffer | undefined;
  readonly theirs: Buffer | undefined;
}

/** Decides one conflict; where it leaves one, the commit is refused. */
export type Resolver = (
  conflict: Conflict,
  sides: () => ConflictSides,
) => ConflictDecision | Promise<ConflictDecision>;

export interface ResolvingOptions extends CommitOptions {
  /** The content that a change was based on, for callers that have kept it. */
  readonly readBase?: (conflict: Conflict) => Uint8Array | undefined;
  /** Called when all is prepared, before anything is changed; throws to stop it. */
  readonly beforePublish?: () => void;
}

/**
 * Decides every conflict for the change set: what lies on the disk is overwritten, and recorded.
 */
export const takeOurs: Resolver = () => ({ kind: "ours" });

/** Whether a commit calls code of its caller's, which may call it in turn, and waits for that. */
export function callsBack(resolver: Resolver | undefined): boolean {
  return resolver !== undefined && resolver !== takeOurs;
}

/**
 * Commits a change set whatever has happened to the tree meanwhile, as far as `resolver` decides.
 * No lock is held while it does; what it decided is checked again afterwards.
 *
 * @throws {DraftError} `DRAFT_CONFLICT` with the conflicts that it left undecided or that nobody
 *   could decide; otherwise as `commitChangeSet`.
 */
export async function commitResolving(
  store: CommitStore,
  changeSet: ChangeSet,
  resolver: Resolver,
  options: ResolvingOptions = {},
): Promise<CommitReceipt> {
  let current = changeSet;
  const shown: ShownContents = new Map();
  using project = new ProjectContents(store.disk, store.state.root);
  const sources = { ...options, recorded: new RecordedBases(store.objects), project };
  for (let round = 1; ; round++) {
    try {
      await using prepared = await prepareCommit(store, current, options);
      options.beforePublish?.();
      return await prepared.publish();
    } catch (error) {
      if (!(error instanceof ConflictError) || round >= resolutionRoundsMax) throw error;
      const resolved = await decide(store, error.conflicts, resolver, sources, shown);
      current = acceptResolutions(current, resolved);
    }
  }
}

/**
 * What lay at a place when its conflict was decided. The decision is based on it: should the place
 * move again, it is the base of the next merge, or what it had would be taken for our change.
 */
type ShownContents = Map<TreePath, Buffer>;

/** Where the base of a conflict may be found. */
interface BaseSources extends Pick<ResolvingOptions, "readBase"> {
  readonly recorded: RecordedBases;
  readonly project: ProjectContents;
}

async function decide(
  store: CommitStore,
  conflicts: readonly Conflict[],
  resolver: Resolver,
  sources: BaseSources,
  shown: ShownContents,
): Promise<Map<Conflict, Resolution>> {
  const resolved = new Map<Conflict, Resolution>();
  const undecided = new Map<Conflict, string | undefined>();
  for (const conflict of conflicts) {
    let sides: ConflictSides | undefined;
    const decision = await resolver(conflict, () => {
      sides ??= sidesOf(store, conflict, sources, shown.get(conflict.path));
      return sides;
    });
    const resolution = resolutionOf(conflict, decision);
    if (sides?.theirs !== undefined) shown.set(conflict.path, sides.theirs);
    if (resolution === undefined) undecided.set(conflict, undefined);
    else if (resolution.kind === "undecided") undecided.set(conflict, resolution.because);
    else resolved.set(conflict, resolution);
  }
  if (undecided.size > 0) throw new ConflictError([...undecided.keys()], undecided);
  return resolved;
}

function sidesOf(
  store: CommitStore,
  conflict: Conflict,
  sources: BaseSources,
  shown: Buffer | undefined,
): ConflictSides {
  const { ours, theirs } = conflict;
  const content = ours?.content;
  const isSmall = content !== undefined && content.size <= packedContentBytesMax;
  return {
    base: shown ?? readBase(store, conflict, sources),
    ours: isSmall ? readContent(content) : undefined,
    theirs: readTheirs(store, conflict.path, theirs),
  };
}

function readBase(
  store: CommitStore,
  conflict: Conflict,
  { readBase: readGiven, recorded, project }: BaseSources,
): Buffer | undefined {
  const given = readGiven?.(conflict);
  if (given !== undefined) return Buffer.from(given);
  const { base } = conflict;
  if (base === undefined || base.state.kind !== "file") return undefined;
  const { path } = conflict;
  const read = base.state.oid ?? (base.stamp && store.contents.find(base.stamp));
  const known = read === undefined || read === "" ? recorded.find(path, base.state) : read;
  if (known === undefined) return undefined;
  return store.objects.has(known) ? store.objects.read(known).bytes : project.find(known);
}

function readTheirs(
  { disk, state }: CommitStore,
  path: string,
  theirs: Before | undefined,
): Buffer | undefined {
  if (theirs?.state.kind !== "file" || theirs.state.size > packedContentBytesMax) return undefined;
  const descriptor = openTheirs(disk, absoluteOf(state.root, path));
  if (descriptor === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(theirs.state.size);
    return buffer.subarray(0, disk.read(descriptor, buffer, 0));
  } finally {
    disk.close(descriptor);
  }
}

/** No lock is held: what is no file any more is found by the next look at the tree. */
function openTheirs(disk: Disk, path: string): number | undefined {
  try {
    if (disk.lstat(path)?.kind !== "file") return undefined;
    return disk.open(path, openFlags.read);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return undefined;
    throw error;
  }
}
