import type { TreePath } from "../disk/tree-path.ts";
import type { Failure } from "../failure-of.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { PackSummary } from "../objects/pack-builder.ts";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import type { ManifestChange } from "./checkpoint/manifest.ts";
import type { CheckFinding } from "./checks/check-finding.ts";
import type { CommitStore } from "./commit-store.ts";
import type { Seen } from "./conflict/recheck.ts";
import type { JournalState } from "./journal/journal.ts";
import type { JournalRecord } from "./journal/journal-record.ts";
import type { FreeSlot } from "./journal/journal-slots.ts";
import type { RootLock } from "./lock/lock.ts";
import type { Losses } from "./losses.ts";
import type { Pace } from "./pace.ts";
import type { Purpose } from "./purpose.ts";
import type { Durability } from "./receipt.ts";
import type { Allocator } from "./stage/allocator.ts";
import type { LaterFiles } from "./stage/later-files.ts";
import type { ReplacedFiles } from "./stage/replaced-files.ts";
import type { StagingFailure } from "./stage/stage.ts";
import type { Directories } from "./tree/directories.ts";

/** Room for a small record, with the bytes of the pack that goes there too. */
export interface RecordSlot {
  readonly free: FreeSlot;
  /** The record, encoded. */
  readonly bytes: Uint8Array;
  readonly pack: Uint8Array;
}

/** What {@link prepareCommit} hands over. */
export interface Preparations {
  readonly store: CommitStore;
  readonly lock: RootLock;
  readonly directories: Directories;
  readonly record: JournalRecord;
  /** Where the record goes; without one it has been written as the next one, to be promoted. */
  readonly slot: RecordSlot | undefined;
  /** What is still to be created once the record is on its way to its slot, if anything. */
  readonly later: LaterFiles | undefined;
  /** The operation before. */
  readonly last: JournalState;
  readonly summary: PackSummary;
  readonly checkpoint: Checkpoint;
  readonly changes: readonly ManifestChange[];
  /** Open files that must be durable before the record is in force, the pack among them. */
  readonly descriptors: readonly number[];
  /** When the pack is whole in its file; an error is a value here. */
  readonly packed: Promise<Failure | undefined>;
  readonly replaced: ReplacedFiles;
  readonly allocator: Allocator;
  /** When the debt of the operation before is paid: whether it has left something to be cleared. */
  readonly paid: Promise<boolean>;
  /** When everything lies at its provisional place; a failure is a value here. */
  readonly staged: Promise<StagingFailure | undefined>;
  readonly pace: Pace;
  readonly purpose: Purpose;
  readonly durability: Durability;
  /** Files that are made durable by the time `staged` resolves. */
  readonly syncs: number;
  readonly startedMs: number;
  readonly warnings: readonly CheckFinding[];
  /** What staging could not carry over; what the steps cannot is added. */
  readonly losses: Losses;
  /** Files whose large content this operation replaces, by place. */
  readonly largeFiles: ReadonlyMap<TreePath, ObjectId>;
  /** What was found at the places that this operation touches. */
  readonly seen: readonly Seen[];
  /** To be called before the operation is taken back, which gives the files new inodes. */
  readonly rememberContents: () => void;
}
