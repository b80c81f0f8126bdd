import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { judgeProcess, type Obscurity, type ProcessIdentity } from "../../disk/process-identity.ts";
import { isSystemError } from "../failure.ts";
import { type Holder, isTorn, parseHolder } from "./lock-holder.ts";
import { holderFileOf } from "./lock-names.ts";

/** Why a holder that its process does not tell of is not told of by the kernel either. */
type Silence = "kept-none" | "cannot-ask" | "another-file";

type Reason = Obscurity | "strange-file";

export type HolderState =
  | { readonly kind: "gone" }
  | { readonly kind: "alive"; readonly by: "process" | "kernel" }
  | {
      readonly kind: "unknown";
      readonly because: Obscurity | "strange-file";
      readonly silence?: Silence;
    };

/**
 * Whether the holder of a lock is gone for certain: by its process, or, where that is our own or
 * cannot be judged, by the kernel's lock on the file at `path`, where its content says that the
 * holder keeps one.
 *
 * A holder locks its file before anybody else can find it, and unlocks it when it no longer lies
 * there, or by its end. So a file that says so, and is free, is a dead one's, now and for ever.
 */
export function judgeHolder(
  disk: Disk,
  path: string,
  holder: Holder,
  self: ProcessIdentity,
): HolderState {
  if (isTorn(holder)) return { kind: "gone" };
  if (holder.pid === 0) return { kind: "unknown", because: "strange-file" };
  const state = judgeProcess(disk, holder, self);
  if (state.kind === "alive") {
    // A thread of this process may have been ended, which closes its files and runs nothing.
    const isOwn = holder.pid === self.pid;
    if (isOwn && askKernel(disk, path, holder) === false) return { kind: "gone" };
    return { kind: "alive", by: "process" };
  }
  if (state.kind === "gone") return state;
  const { because } = state;
  if (because === "another-host" || because === "unknown-boot") return state;
  const asked = askKernel(disk, path, holder);
  if (typeof asked === "string") return { kind: "unknown", because, silence: asked };
  return asked ? { kind: "alive", by: "kernel" } : { kind: "gone" };
}

/** Whether the file of that holder is locked in the kernel; a word where that cannot be told. */
function askKernel(disk: Disk, path: string, holder: Holder): boolean | Silence {
  const mark = holder.kernelLock;
  if (typeof mark !== "string") return "kept-none";
  const locks = disk.kernelLocks?.(Number.POSITIVE_INFINITY);
  if (locks === undefined) return "cannot-ask";
  const file = holderFileOf(disk, path);
  if (file === undefined) return "cannot-ask";
  let descriptor: number;
  try {
    descriptor = disk.open(file, openFlags.read);
  } catch (error) {
    // Given back, or replaced, in this very moment: the next look tells.
    if (!isSystemError(error)) throw error;
    return "cannot-ask";
  }
  try {
    const stamp = disk.fstat(descriptor);
    const isHeld = locks.isHeld({ path: file, descriptor, stamp }, mark);
    // Another one may lie there by now than the one that was read.
    if (!isHeld && tokenIn(disk, descriptor, stamp.size) !== holder.token) return "cannot-ask";
    return isHeld ?? "another-file";
  } finally {
    closeQuietly(disk, descriptor);
  }
}

function tokenIn(disk: Disk, descriptor: number, size: number): string | undefined {
  const bytes = Buffer.alloc(size);
  const count = disk.read(descriptor, bytes, 0);
  try {
    return parseHolder(bytes.subarray(0, count)).token;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

const reasons: Readonly<Record<Reason, string>> = {
  "another-host":
    "It is of another machine, or of this one before it was started anew or named otherwise",
  "unknown-boot": "The system does not tell since when it runs",
  "another-container": "It is of another container or pid namespace",
  "no-proc": "/proc does not show the processes of this pid namespace",
  "strange-file": "The lock's file does not say whose it is",
};

const silences: Readonly<Record<Silence, string>> = {
  "kept-none":
    "it keeps no lock in the kernel that could be asked for (it has no native calls, is an older " +
    "version, or works on a file system where such locks are not certain)",
  "cannot-ask":
    "it keeps a lock in the kernel that could not be asked for from here " +
    "(that takes native calls: koffi, and no DRAFTFS_NATIVE=0)",
  "another-file":
    "it keeps a lock in the kernel, but on a file that is another one to the kernel here " +
    "(a copy, or the same directory by another mount)",
};

/** What is known of a holder that is not known to be gone, and what to do, in whole sentences. */
export function adviceOn(state: HolderState, lock: string): string {
  if (state.kind === "gone") return "It is gone: try again.";
  if (state.kind === "alive") {
    const how =
      state.by === "kernel" ? "is alive in another container, says the kernel" : "is alive";
    return `It ${how}: try again later, or end that process.`;
  }
  const silence = state.silence === undefined ? "" : `, and ${silences[state.silence]}`;
  return (
    `${reasons[state.because]}${silence}, so whether it is alive cannot be told from here. ` +
    `Try again later. If that process is gone for certain, remove ${lock}.`
  );
}
