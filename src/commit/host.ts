import { hostname } from "node:os";
import type { Disk } from "../disk/disk.ts";

/** What tells this process from others, now and after a restart. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot at which it started, so that a reused pid is not taken for it. */
  readonly startTime: string;
  /** The running of the kernel; `""` where the system does not tell. */
  readonly bootId: string;
  /** The numbering that `pid` belongs to; containers have their own. */
  readonly pidNamespace: string;
  readonly host: string;
}

const identities = new WeakMap<Disk, ProcessIdentity>();

/** The identity of this process, as the disk shows it; it never changes. */
export function identifyProcess(disk: Disk): ProcessIdentity {
  const known = identities.get(disk);
  if (known !== undefined) return known;
  const identity = identify(disk);
  identities.set(disk, identity);
  return identity;
}

function identify(disk: Disk): ProcessIdentity {
  return {
    pid: process.pid,
    startTime: startTimeOf(disk, process.pid) ?? "",
    bootId: bootIdOf(disk),
    pidNamespace: maybe(() => disk.readlink("/proc/self/ns/pid")) ?? "",
    host: hostname(),
  };
}

const bootIds = new WeakMap<Disk, string>();

/** Identifies the running of the kernel; `""` where the system does not tell. */
export function bootIdOf(disk: Disk): string {
  const known = bootIds.get(disk);
  if (known !== undefined) return known;
  const path = "/proc/sys/kernel/random/boot_id";
  const bootId = maybe(() => disk.readFile(path).toString("latin1").trim()) ?? "";
  bootIds.set(disk, bootId);
  return bootId;
}

/**
 * Whether a process is gone for certain. One that cannot be judged from here (another machine on a
 * shared file system, another container) counts as alive: waiting too long is mended by a person,
 * two committers at a time are not.
 */
export function isGone(disk: Disk, other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.host !== self.host) return false;
  if (other.bootId !== self.bootId) return other.bootId !== "" && self.bootId !== "";
  if (other.pidNamespace !== self.pidNamespace) return false;
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    // Another user's process (EPERM) has a start time as well.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
  }
  const startTime = startTimeOf(disk, other.pid);
  return startTime !== undefined && other.startTime !== "" && startTime !== other.startTime;
}

/** Field 22 of `/proc/<pid>/stat`; the name before it may hold anything, parentheses too. */
function startTimeOf(disk: Disk, pid: number): string | undefined {
  const text = maybe(() => disk.readFile(`/proc/${pid}/stat`).toString("latin1"));
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}

function maybe<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
