import type { Disk } from "../../disk/disk.ts";
import { isDenied } from "../../disk/error-codes.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { isUnwritten, type Stamp } from "../../disk/stamp.ts";
import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import { packedContentBytesMax } from "../../limits.ts";
import { indexIdOf } from "../../objects/git-index.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { PackBuilder } from "../../objects/pack-builder.ts";
import type { Before, Change } from "../change-set/change-set.ts";
import type { ContentIndex } from "../change-set/content-index.ts";
import type { CommitStore } from "../commit-store.ts";
import type { Conflict, ConflictReason } from "../conflict.ts";
import { type CommitPlan, type Expectation, losesBytes, type PlannedStep } from "../plan/plan.ts";
import type { NodeImage } from "../plan/step.ts";
import type { ReplacedFiles } from "../stage/replaced-files.ts";
import { type Directories, isAbsentDirectory } from "../tree/directories.ts";
import { firstBuffer } from "../tree/first-buffer.ts";
import { imageOfBefore, notStored, type Stored, stateOf } from "../tree/images.ts";
import { hashFile } from "../tree/large-content.ts";
import type { Seen } from "./recheck.ts";
import { isRecordedIndex } from "./recorded-index.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** What {@link Examiner.examine} found at a place. */
export type Finding =
  | { readonly kind: "as-expected"; readonly image: NodeImage | undefined }
  | { readonly kind: "conflict"; readonly conflict: Conflict };

/** Sees the bytes that a change replaces or removes; they are valid during the call only. */
export type OnReplaced = (change: Change, bytes: Uint8Array) => void;

/**
 * Compares places of the tree with what a change set expects there, and takes the bytes that the
 * changes will replace into the pack: they are what undo, and the abort of a commit, put back.
 *
 * Content decides: another inode or time with the same bytes is no conflict, nor is an index of git
 * that says the same. Where the expected bytes are not known by their id, an unchanged stamp stands
 * for them.
 */
export class Examiner {
  readonly #disk: Disk;
  readonly #directories: Directories;
  readonly #pack: PackBuilder;
  readonly #contents: ContentIndex;
  readonly #objects: ObjectStore;
  readonly #onReplaced: OnReplaced | undefined;
  readonly #plan: CommitPlan;
  /** Places of the new tree where the commit makes a directory or moves something. */
  #attached: Set<TreePath> | undefined;
  readonly #replaced: ReplacedFiles;
  /** Files too large for the pack whose bytes this operation replaces, by place. */
  readonly largeFiles = new Map<TreePath, ObjectId>();
  /** What lay at the places that are as expected, for another look before anything is changed. */
  readonly seen: Seen[] = [];
  #buffer = firstBuffer;
  /** How much of it the file that was read last has taken. */
  #length = 0;

  constructor(
    store: CommitStore,
    plan: CommitPlan,
    directories: Directories,
    pack: PackBuilder,
    replaced: ReplacedFiles,
    onReplaced?: OnReplaced,
  ) {
    this.#disk = store.disk;
    this.#contents = store.contents;
    this.#objects = store.objects;
    this.#directories = directories;
    this.#pack = pack;
    this.#replaced = replaced;
    this.#onReplaced = onReplaced;
    this.#plan = plan;
  }

  examine(expectation: Expectation): Finding {
    const { path, before } = expectation;
    let place: string;
    try {
      place = this.#directories.locate(path);
    } catch (error) {
      if (!isAbsentDirectory(error)) throw error;
      if (before === undefined && this.#isInNewDirectory(expectation)) return nothing;
      return this.#conflict(expectation, "unreachable", undefined);
    }
    if (before?.state.kind === "file") return this.#examineFile(expectation, before, place);
    const stamp = this.#disk.lstat(place);
    if (stamp === undefined) {
      if (before !== undefined) return this.#conflict(expectation, "vanished", undefined);
      this.seen.push({ expectation, stamp });
      return nothing;
    }
    const theirs = this.#theirs(stamp, place);
    if (theirs === undefined) return this.#conflict(expectation, "unsupported", undefined);
    if (before === undefined) return this.#conflict(expectation, "appeared", theirs);
    if (before.state.kind !== stamp.kind) return this.#conflict(expectation, "retyped", theirs);
    if (!isSameNode(before, theirs, touchesAttributes(expectation))) {
      return this.#conflict(expectation, "changed", theirs);
    }
    this.seen.push({ expectation, stamp });
    return { kind: "as-expected", image: imageOfBefore(theirs, notStored) };
  }

  #isInNewDirectory({ change }: Expectation): boolean {
    this.#attached ??= new Set(this.#plan.steps.filter(isAttaching).map(({ path }) => path));
    return this.#attached.has(parentOf(change.path));
  }

  #examineFile(expectation: Expectation, before: Before, place: string): Finding {
    let descriptor: number;
    try {
      descriptor = this.#disk.open(place, openFlags.read);
    } catch (error) {
      return this.#explain(expectation, before, place, error);
    }
    try {
      const stamp = this.#disk.fstat(descriptor);
      const theirs = this.#theirs(stamp, place);
      if (theirs === undefined) return this.#conflict(expectation, "unsupported", undefined);
      if (stamp.kind !== "file") return this.#conflict(expectation, "retyped", theirs);
      const stored = this.#keep(expectation, descriptor, stamp);
      const base = this.#identify(before);
      const isSame =
        isSameContent(base, stamp, stored.oid) || this.#isSameIndex(expectation, base, stored);
      const same = isSame && (isAsSeen(base, stamp) || !readsFrom(expectation, base));
      const needsAttributes = touchesAttributes(expectation);
      if (!same || !isSameNode(before, theirs, needsAttributes)) {
        return this.#conflict(expectation, "changed", withOid(theirs, stored.oid));
      }
      const isBare = this.#isBare(expectation, descriptor, stamp);
      this.seen.push({ expectation, stamp, isBare });
      return { kind: "as-expected", image: imageOfBefore(theirs, stored) };
    } finally {
      this.#replaced.keep(expectation, descriptor);
    }
  }

  /** Of the files whose ctime is heeded from here on: here it takes an eighth of the time. */
  #isBare({ change }: Expectation, descriptor: number, { size, nlink }: Stamp): boolean {
    if (change.kind !== "modify" || nlink > 1 || size > packedContentBytesMax) return false;
    return this.#disk.attributes?.isBare(descriptor) ?? false;
  }

  /** Takes the bytes of a file that is replaced, removed or moved into the pack. */
  #keep(expectation: Expectation, descriptor: number, stamp: Stamp): Stored {
    const { change, path } = expectation;
    const isReplaced = losesBytes(expectation);
    if (stamp.size > packedContentBytesMax) {
      const isUnread = !isReplaced && expectation.before?.state.kind === "file";
      if (isUnread && expectation.before?.stamp !== undefined) return notStored;
      const oid = hashFile(this.#disk, descriptor, stamp.size);
      if (isReplaced) this.largeFiles.set(path, oid);
      return { oid, stored: "large" };
    }
    if (this.#buffer.length < stamp.size) this.#buffer = Buffer.allocUnsafeSlow(stamp.size);
    this.#length = this.#disk.read(descriptor, this.#buffer.subarray(0, stamp.size), 0);
    const bytes = this.#buffer.subarray(0, this.#length);
    if (isReplaced) this.#onReplaced?.(change, bytes);
    return { oid: this.#pack.addFile(bytes), stored: "blob" };
  }

  /** The expectation with its content id, where this process has read that content before. */
  #identify(before: Before): Before {
    const { state, stamp } = before;
    if (state.kind !== "file" || state.oid !== undefined || stamp === undefined) return before;
    return withOid(before, this.#contents.find(stamp) ?? "");
  }

  #isSameIndex({ path }: Expectation, base: Before, stored: Stored): boolean {
    if (base.state.kind !== "file" || stored.stored !== "blob") return false;
    // What was just read into the pack is still in the buffer.
    const readBytes = (): Uint8Array => this.#buffer.subarray(0, this.#length);
    if (base.indexId !== undefined) return indexIdOf(readBytes()) === base.indexId;
    return isRecordedIndex(this.#objects, path, base.state.oid ?? "", readBytes);
  }

  /** Why a file cannot be opened. One that this user may not read is known by its stamp alone. */
  #explain(expectation: Expectation, before: Before, place: string, error: unknown): Finding {
    const stamp = this.#disk.lstat(place);
    if (stamp === undefined) return this.#conflict(expectation, "vanished", undefined);
    const theirs = this.#theirs(stamp, place);
    if (stamp.kind !== "file") return this.#conflict(expectation, "retyped", theirs);
    if (!isDenied(error) || theirs === undefined) throw error;
    if (losesBytes(expectation)) throw new UnreadableFile(error);
    const isSame = isAsSeen(before, stamp);
    if (!isSame || !isSameNode(before, theirs, touchesAttributes(expectation))) {
      return this.#conflict(expectation, "changed", theirs);
    }
    this.seen.push({ expectation, stamp });
    return { kind: "as-expected", image: imageOfBefore(theirs, notStored) };
  }

  #theirs(stamp: Stamp, place: string): Before | undefined {
    const target = stamp.kind === "symlink" ? this.#disk.readlink(place) : undefined;
    const state = stateOf(stamp, target);
    return state === undefined ? undefined : { state, stamp };
  }

  #conflict(expectation: Expectation, reason: ConflictReason, theirs: Before | undefined): Finding {
    const { path, change, before } = expectation;
    const ours = change.kind === "delete" ? undefined : change.after;
    return { kind: "conflict", conflict: { reason, path, change, base: before, ours, theirs } };
  }
}

function isAttaching({ kind }: PlannedStep): boolean {
  return kind === "mkdir" || kind === "move";
}

const nothing: Finding = { kind: "as-expected", image: undefined };

function withOid(before: Before, oid: ObjectId): Before {
  if (before.state.kind !== "file" || oid === "") return before;
  return { ...before, state: { ...before.state, oid } };
}

function isSameContent(before: Before, stamp: Stamp, oid: ObjectId): boolean {
  if (before.state.kind !== "file") return false;
  if (before.state.oid !== undefined && before.state.oid !== "" && oid !== "") {
    return before.state.oid === oid;
  }
  // Without a known content it must be the very same file.
  return isAsSeen(before, stamp);
}

function isAsSeen(before: Before, stamp: Stamp): boolean {
  return before.stamp !== undefined && isUnwritten(stamp, before.stamp);
}

/** Whether parts of the new content are still to be read from the file that it replaces. */
function readsFrom({ change }: Expectation, { stamp }: Before): boolean {
  const below = change.kind === "delete" ? undefined : change.after.content?.below;
  return below !== undefined && below.stamp.ino === stamp?.ino && below.stamp.dev === stamp.dev;
}

/** Whether the change sets attributes, and so must not overwrite those that somebody else set. */
export function touchesAttributes({ change }: Expectation): boolean {
  return (
    change.kind === "modify" &&
    (change.aspects.includes("mode") || change.aspects.includes("owner"))
  );
}

function isSameNode(before: Before, theirs: Before, withAttributes: boolean): boolean {
  const [a, b] = [before.state, theirs.state];
  if (a.kind === "symlink" && b.kind === "symlink" && a.target !== b.target) return false;
  if (!withAttributes || a.kind === "symlink" || b.kind === "symlink") return true;
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}
