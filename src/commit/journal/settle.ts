import { bootIdOf } from "../../disk/process-identity.ts";
import type { CommitStore } from "../commit-store.ts";
import { RootLock } from "../lock/lock.ts";
import { removeStaging } from "../stage/staging-place.ts";
import type { JournalState, Payment } from "./journal.ts";
import { syncSteps } from "./sync-steps.ts";

/**
 * Makes the last operation durable in the tree itself, so that its record may be replaced (I4).
 *
 * An operation is durable from its commit point on, by its record and pack; its renames need not
 * be. That is the debt, paid once by one call for the whole file system, whatever the number of
 * files: by the next commit at the latest; sooner when there is time, or on close.
 *
 * The caller holds the lock of the root. An operation that was not carried out whole is left to
 * recovery.
 *
 * @param options.isApplied - the caller has carried the operation out itself; otherwise the note
 *   says, which counts for nothing where the system does not tell one boot from another.
 * @param options.last - the last operation, where the caller has looked under the lock.
 * @throws the error of the disk when it could not write. The record then stays in force (I6): the
 *   next recovery writes what it names anew, into new inodes. Where the disk could not even be
 *   asked (too many open files), nothing is lost, and the next attempt asks again.
 */
export async function settleJournal(
  store: CommitStore,
  options: { readonly isApplied?: boolean; readonly last?: JournalState } = {},
): Promise<void> {
  const last = options.last ?? store.journal.look(bootIdOf(store.disk));
  if (await payLast(store, last, options.isApplied)) clearSettled(store, last.sequence);
}

/**
 * {@link settleJournal} without removing what is of no use any more.
 *
 * @returns whether there is something to remove: see {@link clearSettled}.
 */
export async function payLast(
  store: CommitStore,
  last: JournalState,
  isApplied = false,
): Promise<boolean> {
  const { disk, journal } = store;
  const bootId = bootIdOf(disk);
  const { sequence } = last;
  if (sequence === 0) return false;
  const isKnown = last.progress !== "unknown" || !isApplied;
  const progress = isKnown ? last.progress : "applied";
  // What is not carried out or published yet needs its record, and what failed to be written needs
  // it even more.
  if (progress === "unknown" || progress === "unpublished" || progress === "failed") return false;
  if (progress === "applied") {
    const isSealed = last.slot !== undefined;
    const payment = journal.paymentOf(sequence) ?? payDebt(store, ensureSlots(store, isSealed));
    const { error, hasSlots } = await payment;
    if (error !== undefined) {
      if (!isUnasked(error))
        journal.notes.write("failed", sequence, bootId, journal.notes.appliedMs(sequence));
      throw error;
    }
    if (!isSealed && hasSlots) journal.sealSlots();
    journal.notes.write("settled", sequence, bootId);
  }
  return true;
}

/**
 * Removes what an operation that is settled has left: its staging place, and its pack from the
 * journal. The caller holds the lock of the root.
 */
function clearSettled({ disk, state, journal }: CommitStore, sequence: number): void {
  removeStaging(disk, state, sequence);
  journal.dropPacks(sequence);
}

/**
 * {@link clearSettled}, if the debt has been paid: by the commit after that, also when it comes to
 * nothing, since the next one may be long in coming. Never rejects.
 *
 * @param paid what {@link payLast} returned for the operation.
 */
export async function clearPaid(
  store: CommitStore,
  { sequence }: JournalState,
  paid: Promise<boolean>,
): Promise<void> {
  try {
    if (await paid) clearSettled(store, sequence);
  } catch {
    // What stays is in nobody's way, and the next commit pays.
  }
}

/**
 * Pays the debt of an operation that has just been carried out, so that it may be paid by the time
 * of the next one: as soon as the event loop has the time, so that whoever waits for the operation
 * goes on first, or when somebody asks. Needs no lock; while the disk is at it, other calls wait.
 *
 * @param hasSlots - see {@link ensureSlots}.
 */
export function settleSoon(store: CommitStore, sequence: number, hasSlots: boolean): void {
  let begun: Promise<Payment> | undefined;
  const pay = (): Promise<Payment> => {
    begun ??= payDebt(store, hasSlots);
    return begun;
  };
  const waiting = setImmediate(pay);
  store.journal.notePayment(sequence, { pay, drop: () => clearImmediate(waiting) });
}

/**
 * Makes the slots that the next small operation can use, unless there are any: what pays the debt
 * makes them durable. Without them every record has a file of its own: slower, but nothing that may
 * fail a commit. The caller holds the lock.
 *
 * @returns whether there are slots.
 */
export function ensureSlots({ journal }: CommitStore, isSealed: boolean): boolean {
  if (isSealed) return true;
  try {
    journal.createSlots();
    return true;
  } catch {
    return false;
  }
}

/** One call for all that was done. Never rejects: an error is a value, for whoever asks for it. */
async function payDebt(store: CommitStore, hasSlots: boolean): Promise<Payment> {
  const { disk, state } = store;
  try {
    const isWhole = await disk.syncfs(state.root);
    if (!isWhole) await syncSteps(store);
    return { error: undefined, hasSlots: hasSlots && isWhole };
  } catch (error) {
    return { error, hasSlots: false };
  }
}

/**
 * Settles what was carried out through this store, unless somebody else holds the root, or the disk
 * does not let it: then the next commit does.
 */
export async function settleIfFree(store: CommitStore): Promise<void> {
  if (!store.journal.notes.owesSettling) return;
  let lock: RootLock | undefined;
  try {
    lock = await RootLock.take(store.disk, store.state, { waitMs: 0, nativeSavingUs: 0 });
    await settleJournal(store);
  } catch {
    // The record stays in force; nothing is lost.
  } finally {
    lock?.release();
  }
}

/** What stops a sync from being asked for; all else is the answer. */
const unaskedCodes: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]);

function isUnasked(error: unknown): boolean {
  return unaskedCodes.has((error as NodeJS.ErrnoException).code);
}
