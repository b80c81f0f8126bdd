import type { Disk } from "../../disk/disk.ts";
import { bootIdOf } from "../../disk/process-identity.ts";
import { type DraftError, isDraftError } from "../../errors.ts";
import { mainRef, operationsRef } from "../checkpoint/manifest.ts";
import { readCheckpoint } from "../checkpoint/operation-log.ts";
import { repairRefs, soundRef } from "../checkpoint/repair-refs.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { NodeImage, Step } from "../plan/step.ts";
import { stagingOf } from "../stage/staging-place.ts";
import { Directories, isAbsentDirectory } from "../tree/directories.ts";
import { isImage } from "../tree/recognise.ts";
import { freeSequence } from "./free-sequence.ts";
import { setAside } from "./set-aside.ts";

/** What a power cut leaves of a record, its pack or the store that were not made durable. */
const tearing: ReadonlySet<unknown> = new Set([
  "DRAFT_FORMAT_CORRUPT",
  "DRAFT_STORE_CORRUPT",
  "DRAFT_CHECKPOINT_MISSING",
]);

/**
 * Whether an error is about something that a power cut may have torn: the operation was carried out
 * with durability `none`, and the machine has been started anew since.
 */
export function isLoss({ disk, journal }: CommitStore, error: unknown): error is DraftError {
  return isDraftError(error) && tearing.has(error.code) && journal.notes.hasBeenCut(bootIdOf(disk));
}

/**
 * Gives up an operation with durability `none` that cannot be carried out any more, because a power
 * cut has torn its record or its pack. An empty record takes its place. The tree is not touched:
 * its files are old, new or torn, and nobody has the bytes. The history is for
 * {@link setTornAside}.
 *
 * A crash in here leaves either record, and the next recovery does the same or goes on.
 *
 * @param record the record, where that is not what was torn.
 * @returns the sequence number of the empty record, and what a person should look at.
 */
export async function loseRecord(
  store: CommitStore,
  record: JournalRecord | undefined,
): Promise<{ readonly sequence: number; readonly leftToPerson: readonly string[] }> {
  const { disk, journal } = store;
  const torn = record === undefined ? undefined : tornPlaces(store, record);
  const sequence = record === undefined ? freeSequence(store) : record.sequence + 1;
  const empty: JournalRecord = {
    sequence,
    kind: "commit",
    createdMs: Date.now(),
    bootId: bootIdOf(disk),
    pack: null,
    staging: stagingOf(sequence),
    refs: [],
    steps: [],
  };
  await journal.supersede(empty);
  return { sequence, leftToPerson: adviceOn(record, torn) };
}

/**
 * Sets aside what a power cut has torn of the history, and points the refs at what is whole.
 *
 * @param sequence names the place under `conflicts/`.
 */
export function setTornAside(store: CommitStore, sequence: number): void {
  const { disk, state, objects } = store;
  const damaged = objects.damagedPacks();
  objects.close();
  for (const base of damaged) {
    if (disk.lstat(`${base}.idx`) !== undefined) disk.unlink(`${base}.idx`);
    const name = base.slice(base.lastIndexOf("/") + 1);
    setAside(disk, state, sequence, `checkpoints.git/${name}.pack`, `${base}.pack`);
  }
  objects.refresh();
  if (disk.lstat(objects.path) !== undefined) resetRefs(store);
}

/** Both refs tell of the newest operation that is whole, or there are none. */
function resetRefs(store: CommitStore): void {
  const { objects } = store;
  repairRefs(store);
  const operation = soundRef(store, operationsRef);
  if (operation !== undefined) {
    objects.updateRef(mainRef, readCheckpoint(objects, operation).manifest.main);
    return;
  }
  objects.removeRef(operationsRef);
  objects.removeRef(mainRef);
}

function adviceOn(
  record: JournalRecord | undefined,
  torn: readonly string[] | undefined,
): string[] {
  const name = record === undefined ? "The last operation" : `Operation ${record.sequence}`;
  const lost = `${name} was made with durability "none" and has not outlived the loss of power.`;
  if (torn === undefined) {
    return [lost, "Files that it changed may be old, new, or torn: compare them (draftfs drift)."];
  }
  const places = torn.map((path) => `${JSON.stringify(path)} may be torn: look at it.`);
  return [lost, ...places];
}

/** Files that are neither what they were nor what they were to become. */
function tornPlaces({ disk, state }: CommitStore, { steps }: JournalRecord): string[] {
  using directories = new Directories(disk, state.root);
  const torn = steps.flatMap((step): string[] => {
    const versions = versionsOf(step);
    if (versions.length === 0) return [];
    try {
      const place = directories.locate(step.path);
      const stamp = disk.lstat(place);
      if (stamp === undefined) return step.kind === "write" ? [step.path] : [];
      return versions.some((image) => holds(disk, place, image)) ? [] : [step.path];
    } catch (error) {
      if (isAbsentDirectory(error)) return [];
      throw error;
    }
  });
  return [...new Set(torn)];
}

function versionsOf(step: Step): NodeImage[] {
  if (step.kind !== "install" && step.kind !== "write" && step.kind !== "link") return [];
  return step.replaced === null ? [step.node] : [step.node, step.replaced];
}

function holds(disk: Disk, place: string, { ino: _, ...image }: NodeImage): boolean {
  const stamp = disk.lstat(place);
  return stamp !== undefined && isImage(disk, place, stamp, image);
}
