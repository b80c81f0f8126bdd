import { setTimeout as delay } from "node:timers/promises";
import { bootIdOf } from "../../disk/process-identity.ts";
import { hasStateDirectory, journalPackOf } from "../../disk/state/state-directory.ts";
import { isDirectoryInPlace } from "../../disk/state/state-file.ts";
import { refuseStrangersOfJournal } from "../../disk/state/state-trust.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { DraftError, type DraftErrorCode, isDraftError } from "../../errors.ts";
import { recoveryPauseMs } from "../../limits.ts";
import { publishObjects } from "../checkpoint/publish-objects.ts";
import type { CommitStore } from "../commit-store.ts";
import { failure, isSystemError, type RecoveryLevel } from "../failure.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import { settleJournal } from "../journal/settle.ts";
import { type LockOptions, RootLock } from "../lock/lock.ts";
import type { Step } from "../plan/step.ts";
import { sweepStaging } from "../stage/staging-place.ts";
import { identifyInCopy } from "./copied-tree.ts";
import { type FinishOptions, type FinishReport, finishSteps } from "./finish.ts";
import type { KeptPlace } from "./kept-places.ts";
import { isLoss, loseRecord, setTornAside } from "./lost-record.ts";
import { largeFilesOf, partKept } from "./part-kept.ts";
import { findSuperseded } from "./superseded.ts";
import { takeBack } from "./take-back.ts";

/** What recovery found and did. */
export interface RecoveryReport {
  /**
   * `clean`: nothing was left to do. `finished`: a commit was. `taken-back`: one was undone.
   * `lost`: one without durability did not outlive a loss of power. `refused`: one is left as it
   * is, for root does not go by the journal of somebody else.
   */
  readonly outcome: "clean" | "finished" | "taken-back" | "lost" | "refused";
  /** How far the failure reached that made recovery necessary; `null` when there was none. */
  readonly level: RecoveryLevel | null;
  /** What was tried, in order. */
  readonly attempted: readonly string[];
  /** The record concerned; 0 when there has never been one. */
  readonly sequence: number;
  /** Steps carried out now, and those found done. */
  readonly redone: number;
  readonly already: number;
  /** Places left as they are because somebody else has changed them since. */
  readonly kept: readonly KeptPlace[];
  /** Names of files with several that are files of their own now. */
  readonly parted: readonly TreePath[];
  /** What a person should look at, in sentences; empty when nothing is left. */
  readonly leftToPerson: readonly string[];
  readonly elapsedMs: number;
}

/**
 * Finishes or takes back what a dead process left of an operation, under the lock of the root.
 * Idempotent; may be interrupted and run again.
 *
 * A record that cannot be carried out for want of permission or resources is tried three times
 * (`recovery_attempts`), then the operation is taken back whole: the last good state.
 *
 * @throws {DraftError} `DRAFT_FORMAT_CORRUPT`, `DRAFT_STORE_CORRUPT` (`critical_failure`) when
 *   journal or pack are damaged, which no crash does: nothing is touched then.
 *   `DRAFT_STATE_UNTRUSTED` to the superuser, when somebody else could have written them.
 *   `DRAFT_RECOVERY_FAILED` (`system_failure`) when it can neither be finished nor taken back now;
 *   `DRAFT_LOCKED`. The details say what was tried and what is left to a person.
 */
export async function recoverJournal(
  store: CommitStore,
  options: LockOptions = {},
): Promise<RecoveryReport> {
  if (!hasStateDirectory(store.disk, store.state)) return clean(0, performance.now());
  const lock = await RootLock.take(store.disk, store.state, options);
  try {
    return await recoverLocked(store);
  } finally {
    lock.release();
  }
}

/** {@link recoverJournal} for a caller that holds the lock. */
export async function recoverLocked(store: CommitStore): Promise<RecoveryReport> {
  if (!store.trustsOwner) refuseStrangersOfJournal(store.disk, store.state);
  const report = await recoverOrGiveUp(store);
  const bootId = bootIdOf(store.disk);
  if (store.journal.notes.hasBeenCut(bootId)) {
    setTornAside(store, report.sequence);
    store.journal.notes.renewVolatile(bootId);
  }
  return report;
}

async function recoverOrGiveUp(store: CommitStore): Promise<RecoveryReport> {
  const started = performance.now();
  store.objects.refresh();
  let record: JournalRecord | undefined;
  try {
    record = critical(() => store.journal.read());
    return await recoverRecord(store, record, started);
  } catch (error) {
    if (!isLoss(store, error)) throw error;
    return await giveUp(store, record, started);
  }
}

/** An operation that nobody has made durable, and that is torn now. */
async function giveUp(
  store: CommitStore,
  record: JournalRecord | undefined,
  started: number,
): Promise<RecoveryReport> {
  const { sequence, leftToPerson } = await loseRecord(store, record);
  await settleLast(store, sequence);
  const attempted = record === undefined ? [] : [`finish operation ${record.sequence}`];
  const report = clean(sequence, started);
  return { ...report, outcome: "lost", level: "system_failure", attempted, leftToPerson };
}

/** I4 holds for recovery too: only after this may the record be replaced. */
async function settleLast(store: CommitStore, sequence: number): Promise<void> {
  store.journal.notes.write("applied", sequence, bootIdOf(store.disk));
  await settleJournal(store, { isApplied: true });
  sweep(store, sequence);
}

async function recoverRecord(
  store: CommitStore,
  found: JournalRecord | undefined,
  started: number,
): Promise<RecoveryReport> {
  const { disk, journal } = store;
  const sequence = found?.sequence ?? 0;
  const bootId = bootIdOf(disk);
  const progress = found === undefined ? "settled" : journal.look(bootId).progress;
  if (found === undefined || progress === "settled" || progress === "applied") {
    sweep(store, sequence);
    return clean(sequence, started);
  }
  const appliedMs = journal.notes.appliedMs(sequence);
  const record =
    progress === "unpublished" ? found : identifyInCopy(store, found, appliedMs !== undefined);
  if (progress !== "unpublished") await journal.entrench();
  critical(() => checkPack(store, record));
  if (progress === "unpublished") {
    publishLate(store, record);
    sweep(store, sequence);
    return clean(sequence, started);
  }
  const mayBeTorn = record.bootId === "" || record.bootId !== bootId;
  const superseded =
    appliedMs === undefined ? new Set<Step>() : findSuperseded(store, record, appliedMs);
  // From here on what is younger than the note may be of this recovery, should it be cut off.
  if (appliedMs !== undefined) await journal.notes.retract(sequence, bootId);
  const attempted: string[] = [];
  const { unpublished, ...result } = await carryOut(store, record, attempted, {
    mayBeTorn,
    distrust: progress === "failed",
    superseded,
  });
  const last = journal.sequence();
  if (unpublished !== undefined) {
    journal.notes.write("unpublished", last, bootId);
    throw unpublishedFailure(store, unpublished);
  }
  await settleLast(store, last);
  partKept(store, largeFilesOf(record));
  return {
    ...result,
    attempted,
    sequence: last,
    leftToPerson: [...result.kept.map(adviceOn), ...result.parted.map(adviceOnParted)],
    elapsedMs: performance.now() - started,
  };
}

interface Result extends FinishReport, Pick<RecoveryReport, "outcome" | "level"> {
  /** Why the checkpoint is not in the store, although the tree is as it should be. */
  readonly unpublished?: unknown;
}

async function carryOut(
  store: CommitStore,
  record: JournalRecord,
  attempted: string[],
  options: FinishOptions,
): Promise<Result> {
  const isAbort = record.kind === "abort";
  const attempts = Math.max(1, store.recoveryAttempts);
  let cause: unknown;
  let unpublished: unknown;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    attempted.push(`${isAbort ? "take back" : "finish"} operation ${record.sequence}`);
    try {
      // Steps may need bytes that the store gives; those that do not need not wait for it.
      unpublished = tryPublish(store, record);
      if (unpublished !== undefined && attempt < attempts) {
        await delay(recoveryPauseMs * attempt);
        continue;
      }
      const report = finishSteps(store, record, options);
      const level = isAbort ? "transaction_failure" : "operation_failure";
      const outcome = isAbort ? "taken-back" : "finished";
      return { ...report, outcome, level, ...(unpublished === undefined ? {} : { unpublished }) };
    } catch (error) {
      if (unpublished !== undefined && isMissing(error)) {
        cause = unpublished;
        break;
      }
      if (isDraftError(error)) throw asCritical(error, attempted);
      if (!isSystemError(error)) throw error;
      cause = error;
      if (attempt < attempts) await delay(recoveryPauseMs * attempt);
    }
  }
  // A store that cannot be written to is no reason to take back what may have been acknowledged.
  if (!isAbort && unpublished === undefined) {
    attempted.push(`restore the state before operation ${record.sequence}`);
    try {
      const report = await takeBack(store, record, record.steps.length, options);
      return { ...report, outcome: "taken-back", level: "system_failure" };
    } catch (error) {
      if (isDraftError(error)) throw asCritical(error, attempted);
      cause = error;
    }
  }
  throw failure("DRAFT_RECOVERY_FAILED", `recover ${store.state.root}`, cause, {
    path: store.state.root,
    level: "system_failure",
    state:
      "Some files may be changed and some not; nothing is lost, journal and pack hold all of it. " +
      "Mend the cause, then run draftfs recover or open the directory again.",
    details: { attempted, leftToPerson: ["mend the cause, then run draftfs recover"] },
  });
}

/** Whether bytes were asked for that the store does not hold. */
function isMissing(error: unknown): boolean {
  return isDraftError(error) && error.code === "DRAFT_CHECKPOINT_MISSING";
}

/** Publishes a record, or says why that is not possible now. */
function tryPublish(store: CommitStore, record: JournalRecord): unknown {
  try {
    publishObjects(store, record);
    return undefined;
  } catch (error) {
    if (isDirectoryInPlace(error)) return error;
    if (!isSystemError(error) || isDraftError(error)) throw error;
    return error;
  }
}

/** Brings the checkpoint of an operation that was carried out whole into the store. */
function publishLate(store: CommitStore, record: JournalRecord): void {
  const { journal } = store;
  const unpublished = tryPublish(store, record);
  if (unpublished !== undefined) throw unpublishedFailure(store, unpublished);
  const { sequence, bootId } = record;
  journal.notes.write("applied", sequence, bootId, journal.notes.appliedMs(sequence));
}

function unpublishedFailure({ state }: CommitStore, error: unknown): DraftError {
  const isInPlace = isDraftError(error) && isDirectoryInPlace(error);
  const cause = isInPlace ? error.cause : error;
  return failure("DRAFT_RECOVERY_FAILED", `record a checkpoint in ${state.checkpoints}`, cause, {
    path: isInPlace ? (error.path ?? state.checkpoints) : state.checkpoints,
    level: "system_failure",
    help: isInPlace ? error.message : undefined,
    state:
      "The files are as they should be; only the history does not show the last operation yet. " +
      "Mend the cause, then run draftfs recover or commit again.",
    details: { unpublished: true, leftToPerson: ["mend the cause, then run draftfs recover"] },
  });
}

function sweep({ disk, state, journal }: CommitStore, sequence: number): void {
  sweepStaging(disk, state, sequence);
  journal.dropNext(sequence + 1);
}

/** The report of a recovery that had nothing to do. */
export function clean(sequence: number, started: number): RecoveryReport {
  return {
    outcome: "clean",
    level: null,
    attempted: [],
    sequence,
    redone: 0,
    already: 0,
    kept: [],
    parted: [],
    leftToPerson: [],
    elapsedMs: performance.now() - started,
  };
}

function adviceOn({ path, savedAs }: KeptPlace): string {
  const place = JSON.stringify(path);
  if (savedAs === null) return `${place} has been changed since and was left as it is.`;
  return `${place} has been changed since and was left; the committed version is ${savedAs}.`;
}

function adviceOnParted(path: TreePath): string {
  const place = JSON.stringify(path);
  return `${place} was one of several names of a file, and is a file of its own now.`;
}

/** The pack was durable before the record had its name, so a torn one is damage, not a crash. */
function checkPack(store: CommitStore, record: JournalRecord): void {
  if (record.pack === null) return;
  const path = journalPackOf(store.state, record.pack.sequence);
  const stamp = store.disk.lstat(path);
  if (stamp === undefined || stamp.size === record.pack.size) return;
  throw new DraftError(
    "DRAFT_STORE_CORRUPT",
    `Cannot trust the pack ${path}: it holds ${stamp.size} bytes instead of ` +
      `${record.pack.size}. Nothing was touched. Check the disk; see docs/recovery.md.`,
    { path },
  );
}

function critical<Value>(look: () => Value): Value {
  try {
    return look();
  } catch (error) {
    throw isDraftError(error) ? asCritical(error, []) : error;
  }
}

const damageCodes: ReadonlySet<DraftErrorCode> = new Set([
  "DRAFT_FORMAT_CORRUPT",
  "DRAFT_STORE_CORRUPT",
  "DRAFT_CHECKPOINT_MISSING",
]);

/** Damage to what recovery relies on: nothing more is touched, a person has to look. */
function asCritical(error: DraftError, attempted: readonly string[]): DraftError {
  if (!damageCodes.has(error.code)) return error;
  const leftToPerson = [
    "check the disk and its cables, and restore .draftfs from a backup if there is one",
    "see docs/recovery.md for reading what is left of the journal by hand",
  ];
  return new DraftError(error.code, error.message, {
    ...(error.path === undefined ? {} : { path: error.path }),
    cause: error,
    details: { ...error.details, level: "critical_failure", attempted, leftToPerson },
  });
}
