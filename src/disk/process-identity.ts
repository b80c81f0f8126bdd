import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { Disk } from "./disk.ts";

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
    startTime: readProcess(disk, "self")?.startTime ?? "",
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
 * Why a process cannot be judged by its number: it is numbered elsewhere, or nothing tells where.
 * Only of the last two is it known that this running of the kernel is its own too.
 */
export type Obscurity = "another-host" | "unknown-boot" | "another-container" | "no-proc";

export type ProcessState =
  | { readonly kind: "alive" }
  | { readonly kind: "gone" }
  | { readonly kind: "unknown"; readonly because: Obscurity };

/**
 * Whether a process is gone for certain. One that cannot be judged from here (another machine on a
 * shared file system, another container) counts as alive: waiting too long is mended by a person,
 * two committers at a time are not.
 */
export function isGone(disk: Disk, other: ProcessIdentity, self: ProcessIdentity): boolean {
  return judgeProcess(disk, other, self).kind === "gone";
}

/** What is known of a process. */
export function judgeProcess(
  disk: Disk,
  other: ProcessIdentity,
  self: ProcessIdentity,
): ProcessState {
  const isSameBoot = other.bootId === self.bootId && self.bootId !== "";
  if (other.host !== self.host) {
    // Containers have hosts' names of their own, on one kernel.
    return { kind: "unknown", because: isSameBoot ? "another-container" : "another-host" };
  }
  if (other.bootId !== self.bootId) {
    if (other.bootId !== "" && self.bootId !== "") return { kind: "gone" };
    return { kind: "unknown", because: "unknown-boot" };
  }
  if (other.pidNamespace !== self.pidNamespace) {
    return { kind: "unknown", because: isSameBoot ? "another-container" : "unknown-boot" };
  }
  return (
    judgeByNumber(disk, other) ?? {
      kind: "unknown",
      because: isSameBoot ? "no-proc" : "unknown-boot",
    }
  );
}

/** Of a process that is numbered as this one is. */
function judgeByNumber(disk: Disk, other: ProcessIdentity): ProcessState | undefined {
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    // Another user's process (EPERM) has a start time as well.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return { kind: "gone" };
  }
  const found = findProcess(disk, other.pid);
  if (found === undefined) return undefined;
  const isReused = other.startTime !== "" && found.startTime !== other.startTime;
  return { kind: found.isOver || isReused ? "gone" : "alive" };
}

/** {@link ProcessIdentity} as a part of a file name: five words, joined by dashes. */
export function processNameOf(disk: Disk): string {
  const known = names.get(disk);
  if (known !== undefined) return known;
  const name = Object.values(inWords(identifyProcess(disk)))
    .map((word) => word || "0")
    .join("-");
  names.set(disk, name);
  return name;
}

/** What such a name looks like, as a part of a pattern without groups. */
export const processNamePattern = String.raw`\d+-\d+-\d+-[0-9a-f]+-[0-9a-f]+`;

/** Whether the process that a name of {@link processNameOf} stands for {@link isGone}. */
export function isNameGone(disk: Disk, name: string): boolean {
  const words = name.split("-").map((word) => (word === "0" ? "" : word));
  const [pid = "", startTime = "", pidNamespace = "", bootId = "", host = ""] = words;
  const other = { pid: Number(pid), startTime, pidNamespace, bootId, host };
  return isGone(disk, other, inWords(identifyProcess(disk)));
}

const names = new WeakMap<Disk, string>();

/** In the order of the name. */
function inWords(identity: ProcessIdentity): ProcessIdentity {
  const { pid, startTime, pidNamespace, bootId, host } = identity;
  return {
    pid,
    startTime,
    pidNamespace: /\d+/.exec(pidNamespace)?.[0] ?? "",
    bootId: bootId.replaceAll(/[^0-9a-f]/g, ""),
    host: createHash("sha1").update(host).digest("hex").slice(0, 12),
  };
}

interface FoundProcess {
  readonly startTime: string;
  /** Whether it has ended, and only waits for its parent to ask how, as not every parent does. */
  readonly isOver: boolean;
}

/**
 * What `/proc` tells of a process of this namespace. It may be that of another one, as in a
 * namespace that was made without mounting it anew: then the process of that number is not it.
 */
function findProcess(disk: Disk, pid: number): FoundProcess | undefined {
  const self = maybe(() => disk.readlink("/proc/self"));
  return self === String(process.pid) ? readProcess(disk, String(pid)) : undefined;
}

/** Fields 3, 20 and 22 of `/proc/<pid>/stat`; the name before them may hold anything. */
function readProcess(disk: Disk, entry: string): FoundProcess | undefined {
  const text = maybe(() => disk.readFile(`/proc/${entry}/stat`).toString("latin1"));
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // The first thread of a process may be over while others still are in a call to the kernel.
  const isOver = (fields[0] === "Z" || fields[0] === "X") && Number(fields[17]) <= 1;
  return { startTime: fields[19] ?? "", isOver };
}

function maybe<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
