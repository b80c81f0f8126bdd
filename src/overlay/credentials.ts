import { Fault } from "./file-system-error.ts";
import type { FileNode, Node } from "./node.ts";

/** Bits of an access request, as in `access(2)`. */
export const mayRead = 4;
export const mayWrite = 2;
export const mayExecute = 1;

const setuidBit = 0o4000;
const setgidBit = 0o2000;
const stickyBit = 0o1000;
const groupExecute = 0o010;

/** Bits that let a program run as the owner or the group of its file. */
const privileges = setuidBit | setgidBit;

/**
 * Only a process that was started by root or acts for root, or that was lent a user or a group, can
 * act for somebody else later.
 */
const canChange =
  process.getuid?.() === 0 ||
  process.geteuid?.() === 0 ||
  process.getuid?.() !== process.geteuid?.() ||
  process.getgid?.() !== process.getegid?.();

const firstGid = process.getegid?.() ?? 0;
const firstGroups = process.getgroups?.() ?? [];

/**
 * Who the process is to the file system. A process may change it at any time, and asking costs more
 * than many a call: the user is asked for once at the start of each operation.
 */
class Credentials {
  /** Whether somebody else than who the process acts for started it, as with a setuid program. */
  readonly areLent = process.getuid?.() !== process.geteuid?.();

  /** The user that the process acts for, as of the last {@link refresh}. */
  uid = process.geteuid?.() ?? 0;

  refresh(): void {
    if (canChange) this.uid = process.geteuid?.() ?? 0;
  }

  /** Whether they were right; they are from now on. */
  areCurrent(): boolean {
    const { uid } = this;
    this.refresh();
    return uid === this.uid;
  }

  get gid(): number {
    return canChange ? (process.getegid?.() ?? 0) : firstGid;
  }

  /** Whom `access(2)` asks about: the user who started the process, not whom it acts for. */
  get realUid(): number {
    return process.getuid?.() ?? 0;
  }

  get umask(): number {
    return process.umask();
  }

  get #groups(): readonly number[] {
    return canChange ? (process.getgroups?.() ?? []) : firstGroups;
  }

  isMember(gid: number): boolean {
    return gid === this.gid || this.#groups.includes(gid);
  }
}

export const credentials = new Credentials();

/**
 * Runs a check for the user who started the process, as `access(2)` does, where that is another
 * one than the user it acts for.
 */
export function asRealUser<T>(check: () => T): T {
  credentials.refresh();
  const { uid, realUid } = credentials;
  if (uid === realUid || process.seteuid === undefined) return check();
  process.seteuid(realUid);
  try {
    return check();
  } finally {
    process.seteuid(uid);
  }
}

/** Whether this process may use a node in the ways of `wanted`, as the kernel decides it. */
export function isPermitted(
  node: Pick<Node, "mode" | "uid" | "gid" | "kind">,
  wanted: number,
): boolean {
  const { uid } = credentials;
  if (uid === 0) {
    const isExecutable = node.kind === "directory" || (node.mode & 0o111) !== 0;
    return (wanted & mayExecute) === 0 || isExecutable;
  }
  let granted = node.mode & 7;
  if (uid === node.uid) granted = (node.mode >> 6) & 7;
  else if (credentials.isMember(node.gid)) granted = (node.mode >> 3) & 7;
  return (granted & wanted) === wanted;
}

/** Whether everybody may use a node in the ways of `wanted`: nobody has to be asked for then. */
export function isForAll({ mode }: Pick<Node, "mode">, wanted: number): boolean {
  const all = wanted * 0o111;
  return (mode & all) === all;
}

/** @throws {Fault} `EACCES` when this process may not use the node so. */
export function requireAccess(
  node: Pick<Node, "mode" | "uid" | "gid" | "kind">,
  wanted: number,
): void {
  if (!isPermitted(node, wanted)) throw new Fault("EACCES");
}

/** @throws {Fault} `EPERM` when this process does not own the node. */
export function requireOwner(node: Pick<Node, "uid">): void {
  const { uid } = credentials;
  if (uid !== 0 && uid !== node.uid) throw new Fault("EPERM");
}

/** @throws {Fault} `EPERM` when the sticky bit of a directory protects an entry from us. */
export function requireUnsticky(
  directory: Pick<Node, "mode" | "uid">,
  entry: Pick<Node, "uid">,
): void {
  if ((directory.mode & stickyBit) === 0) return;
  const { uid } = credentials;
  if (uid !== 0 && uid !== entry.uid && uid !== directory.uid) throw new Fault("EPERM");
}

/** Group of a new node, and whether a new directory passes the setgid bit on. */
export function inheritedGroup(parent: Pick<Node, "mode" | "gid">): {
  gid: number;
  setgid: boolean;
} {
  const setgid = (parent.mode & setgidBit) !== 0;
  return { gid: setgid ? parent.gid : credentials.gid, setgid };
}

/**
 * The mode of a file after a write to it, or after it was given away: both take setuid and setgid.
 * Without the group's right to execute, setgid means something else, and stays for the group.
 *
 * Source: `setattr_should_drop_sgid` in Linux `fs/attr.c`.
 */
export function withoutPrivileges({ mode, gid }: Pick<Node, "mode" | "gid">): number {
  const keepsGroup = (mode & groupExecute) === 0 && mayKeepGroup(gid);
  return mode & ~(keepsGroup ? setuidBit : privileges);
}

/** A write by an unprivileged user takes the setuid and setgid bits away, as on a disk. */
export function dropPrivileges(node: FileNode): void {
  if ((node.mode & privileges) === 0 || process.geteuid?.() === 0) return;
  node.mode = withoutPrivileges(node);
}

/** What becomes of the permission bits that this process gives to what belongs to a group. */
export function settableMode(mode: number, gid: number): number {
  return mayKeepGroup(gid) ? mode : mode & ~setgidBit;
}

/**
 * The mode that a new file gets in a directory, before the umask.
 *
 * Source: `mode_strip_sgid` in Linux `fs/inode.c`.
 */
export function creatableMode(mode: number, parent: Pick<Node, "mode" | "gid">): number {
  const isForGroup = (mode & groupExecute) !== 0 && (parent.mode & setgidBit) !== 0;
  return isForGroup ? settableMode(mode, parent.gid) : mode;
}

/** Whether this process may leave setgid on what belongs to a group. */
function mayKeepGroup(gid: number): boolean {
  return credentials.uid === 0 || credentials.isMember(gid);
}
