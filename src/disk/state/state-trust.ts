import { DraftError } from "../../errors.ts";
import { wayTo } from "../../ways.ts";
import type { Disk } from "../disk.ts";
import type { Stamp } from "../stamp.ts";
import type { StateDirectory } from "./state-directory.ts";
import { isTrustedOwner } from "./trusted-owner.ts";

/** Somebody who is not the superuser that we are, and could have written what lies at a path. */
export interface Stranger {
  readonly path: string;
  readonly uid: number;
  /** Whether it is not the owner, but whoever else the mode lets write there. */
  readonly isOther: boolean;
}

/** Write permission of the group and of all others. */
const othersWrite = 0o022;

/** Whose a node is that root is not to go by; `undefined` where there is none, and for users. */
export function strangerOf(path: string, node: Stamp | undefined): Stranger | undefined {
  if (node === undefined || process.geteuid?.() !== 0) return undefined;
  if (!isTrustedOwner(node.uid)) return { path, uid: node.uid, isOther: false };
  const isOpen = node.kind !== "symlink" && (node.mode & othersWrite) !== 0;
  return isOpen ? { path, uid: node.uid, isOther: true } : undefined;
}

/**
 * Refuses a state directory that another one has put in place since the disk was opened.
 *
 * @throws {DraftError} `DRAFT_STATE_UNTRUSTED`.
 */
export function refuseStrangers(disk: Disk, state: StateDirectory): void {
  refuse(state, strangerOf(state.path, lookAsRoot(disk, state.path)));
}

/**
 * Refuses what a recovery goes by, where a part of it is another one's: root carries that out
 * without being asked.
 *
 * @throws {DraftError} `DRAFT_STATE_UNTRUSTED`.
 */
export function refuseStrangersOfJournal(disk: Disk, state: StateDirectory): void {
  const files = [state.journalCurrent, state.journalSlots, state.journalProgress];
  const places = [state.path, state.journal, ...files, state.staging, state.checkpoints];
  for (const path of places) refuse(state, strangerOf(path, lookAsRoot(disk, path)));
}

/** What root is told who would write to a state directory that it is not to go by. */
export function untrusted(state: StateDirectory, { path, uid, isOther }: Stranger): DraftError {
  const whose = isOther
    ? `${path} can be written to by others than its owner (uid ${uid})`
    : `${path} belongs to another user (uid ${uid})`;
  const instead = isOther
    ? `Take that permission away (chmod go-w ${path}) once you know what lies there`
    : `Run draftfs as that user (sudo -u '#${uid}' draftfs …)`;
  return new DraftError(
    "DRAFT_STATE_UNTRUSTED",
    `Cannot change ${state.root} as root: ${whose}, who could have put into ${state.path} what ` +
      `root would carry out then. Nothing was touched. ${instead}, or pass ` +
      `${wayTo("trustOwner")} if you trust them.`,
    { path, details: { uid, level: "operation_failure" } },
  );
}

function lookAsRoot(disk: Disk, path: string): Stamp | undefined {
  return process.geteuid?.() === 0 ? disk.lstat(path) : undefined;
}

function refuse(state: StateDirectory, stranger: Stranger | undefined): void {
  if (stranger !== undefined) throw untrusted(state, stranger);
}
