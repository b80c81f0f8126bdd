import { hasStateDirectory, journalPackOf } from "../disk/state-directory.ts";
import { DraftError } from "../errors.ts";
import type { CommitStore } from "./commit-store.ts";
import { finishSteps, type KeptPlace } from "./finish.ts";
import { bootIdOf } from "./host.ts";
import type { JournalRecord } from "./journal-record.ts";
import { type LockOptions, RootLock } from "./lock.ts";
import { publishObjects } from "./publish-objects.ts";
import { settleJournal } from "./settle.ts";
import { sweepStaging } from "./staging-place.ts";

/** What recovery found and did. */
export interface RecoveryReport {
  /** `clean`: nothing was left to do. `finished`: a commit was. `taken-back`: an aborted one was. */
  readonly outcome: "clean" | "finished" | "taken-back";
  /** The record concerned; 0 when there has never been one. */
  readonly sequence: number;
  /** Steps carried out now, and those found done. */
  readonly redone: number;
  readonly already: number;
  /** Places left as they are because somebody else has changed them since: for a person to see. */
  readonly kept: readonly KeptPlace[];
  readonly elapsedMs: number;
}

/**
 * Finishes or takes back what a dead process left of an operation, under the lock of the root.
 * Idempotent; may be interrupted and run again.
 *
 * @throws {DraftError} `DRAFT_FORMAT_CORRUPT`, `DRAFT_STORE_CORRUPT` when journal or pack are
 *   damaged, which no crash does: nothing is touched then. `DRAFT_LOCKED`.
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
  const { disk, state, journal } = store;
  const started = performance.now();
  store.objects.refresh();
  const record = journal.read();
  const sequence = record?.sequence ?? 0;
  const bootId = bootIdOf(disk);
  const progress = record === undefined ? "settled" : journal.progress(sequence, bootId);
  if (record === undefined || progress === "settled" || progress === "applied") {
    sweepStaging(disk, state, sequence);
    journal.dropNext(sequence + 1);
    return clean(sequence, started);
  }
  checkPack(store, record);
  publishObjects(store, record);
  const mayBeTorn = record.bootId === "" || record.bootId !== bootId;
  const report = finishSteps(store, record, { mayBeTorn, distrust: progress === "failed" });
  journal.note("applied", sequence, bootId);
  // I4 holds for recovery too: only now may the record be replaced.
  await settleJournal(store);
  sweepStaging(disk, state, sequence);
  journal.dropNext(sequence + 1);
  const outcome = record.kind === "abort" ? "taken-back" : "finished";
  return { outcome, sequence, ...report, elapsedMs: performance.now() - started };
}

function clean(sequence: number, started: number): RecoveryReport {
  const elapsedMs = performance.now() - started;
  return { outcome: "clean", sequence, redone: 0, already: 0, kept: [], elapsedMs };
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
