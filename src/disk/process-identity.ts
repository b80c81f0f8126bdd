import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Identifies one process among all that ever ran: pids are reused, these are not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start of the process in clock ticks since the boot; `""` where the system does not tell. */
  readonly start: string;
  /** Identifies the boot; `""` where the system does not tell. */
  readonly boot: string;
  /** The pid namespace, within which alone the pid means something; `""` where there are none. */
  readonly namespace: string;
  readonly host: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const state = stateOf(process.pid);
  return {
    pid: process.pid,
    start: state.kind === "running" ? state.start : "",
    boot: bootId(),
    namespace: pidNamespace(),
    host: hostname(),
  };
}

/**
 * Whether the process that `identity` names may still run. Where that cannot be told (another
 * machine, another container), it may: a lock is then kept rather than stolen.
 */
export function mayBeAlive(identity: ProcessIdentity): boolean {
  if (identity.host !== hostname()) return true;
  if (identity.boot !== bootId()) return false;
  if (identity.namespace !== pidNamespace()) return true;
  const state = stateOf(identity.pid);
  if (state.kind === "ended") return false;
  if (state.kind === "running") return identity.start === "" || identity.start === state.start;
  try {
    process.kill(identity.pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Identifies the running boot; `""` where the system does not tell. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

type ProcessState =
  | { readonly kind: "running"; readonly start: string }
  | { readonly kind: "ended" }
  | { readonly kind: "unknown" };

/** From `/proc/<pid>/stat`, whose second field, the name of the program, may hold anything. */
function stateOf(pid: number): ProcessState {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended: it holds nothing any more.
    if (state === "Z" || state === "X") return { kind: "ended" };
    return { kind: "running", start: fields[18] ?? "" };
  } catch {
    // No such process, no /proc, or one that hides the processes of others.
    return { kind: "unknown" };
  }
}
