import type { ByteRange } from "./data-ranges.ts";
import type { NodeKind, Stamp } from "./stamp.ts";

/** A name in a directory and what it names. */
export interface DiskEntry {
  readonly name: string;
  readonly kind: NodeKind;
}

/** Small files that are created while the caller goes on with other work. Nothing is durable. */
export interface FileCreation {
  /**
   * Asks for a new file, which must not exist. The bytes may be reused afterwards.
   *
   * @param mode permission bits, less the process's umask.
   * @returns `false` when so much is waiting that the caller had better create it itself.
   */
  add(path: string, mode: number, bytes: Uint8Array): boolean;
  /**
   * Waits until nothing is under way any more: to be called once, in any case. Nothing can be added
   * afterwards.
   *
   * @returns why not all files are there; `undefined` when they are.
   */
  finish(): Promise<CreationFailure | undefined>;
}

/** Why a file could not be created. */
export interface CreationFailure {
  /** The path that was asked for. */
  readonly path: string;
  /** Node's error, with `code` and `syscall`. */
  readonly error: Error;
}

/** What comes of giving new files their place on the disk before they are written. */
export type Allocation =
  | {
      readonly kind: "possible";
      /** @returns whether the first `size` bytes of an open file have their place. */
      readonly allocate: (descriptor: number, size: number) => boolean;
    }
  | { readonly kind: "needless" | "impossible" };

/** The extended attributes of nodes, where they can be reached. */
export interface DiskAttributes {
  read(path: string): ReadonlyMap<string, Uint8Array> | undefined;
  /** Whether an open file is known to have none. */
  isBare(descriptor: number): boolean;
  /** @returns whether it was set: some only the kernel or root may set. */
  write(path: string, name: string, value: Uint8Array): boolean;
}

/** An open file and what it was when it was looked at. */
export interface LookedAtFile {
  readonly path: string;
  readonly descriptor: number;
  readonly stamp: Stamp;
}

/** Locks that the kernel keeps for an open file, and gives back when its process ends. */
export interface KernelLocks {
  /**
   * Locks a file for as long as it stays open.
   *
   * @returns what the kernel knows the file by, to be told to others who ask for it; `undefined`
   *   where it could not be locked, or where others could not be certain of what they find.
   */
  hold(file: LookedAtFile): string | undefined;
  /**
   * Whether somebody has locked a file.
   *
   * @param mark what {@link hold} gave.
   * @returns `undefined` where the kernel does not tell, or where this is another file to it.
   */
  isHeld(file: LookedAtFile, mark: string): boolean | undefined;
}

/**
 * The file system that commits, recovery and drafts write to: the whole of what they may do to it.
 *
 * Everything is synchronous but the calls that wait for the device, because for small files the
 * promise forms cost three to four times the system call. Paths are absolute strings (see
 * `names.ts`). Every method throws Node's own error with `code`, `syscall` and `path`.
 * `FaultDisk` and the crash tests stand in front of it, so every effect must go through it.
 */
export interface Disk {
  /** The stamp of the node at `path` itself, links not followed; `undefined` when none is there. */
  lstat(path: string): Stamp | undefined;
  readdir(path: string): readonly DiskEntry[];
  readlink(path: string): string;
  readFile(path: string): Buffer;

  /** Whether access(2) lets the real user of this process make and remove names in a directory. */
  isChangeable(directory: string): boolean;

  /** Opens with numeric `O_…` flags; returns a descriptor. */
  open(path: string, flags: number, mode?: number): number;
  close(descriptor: number): void;
  /**
   * Opens the directory at a path below an open one, where neither a symbolic link nor a mount lies
   * on the way.
   *
   * @returns a descriptor; `undefined` where there is no such way, or it cannot be gone at once.
   */
  openDirectoryBelow?(directory: number, path: string): number | undefined;
  fstat(descriptor: number): Stamp;
  /** Reads at a position; returns fewer bytes than asked for only at the end of the file. */
  read(descriptor: number, buffer: Uint8Array, position: number): number;
  /** Where an open file of `size` bytes has data, in order; missing where that cannot be told. */
  dataRanges?(descriptor: number, size: number): Iterable<ByteRange>;
  /** Writes all bytes or throws: a short write is continued, `ENOSPC` is never swallowed. */
  write(descriptor: number, bytes: Uint8Array, position?: number): void;
  /**
   * {@link write} beside what the caller does, who leaves the bytes alone and the file open until
   * it resolves. Missing where nothing can be done beside.
   */
  writeInBackground?(descriptor: number, bytes: Uint8Array, position: number): Promise<void>;
  truncate(descriptor: number, size: number): void;
  /** Whether it helps to allocate files, so many, that are renamed over others in a directory. */
  allocationOn?(directory: string, files: number): Allocation;

  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  /** Atomic. Durable after an fsync of the parent directory, or a syncfs. */
  rename(source: string, target: string): void;
  /** Like {@link rename}, but fails with `EEXIST` where the target exists. Not for directories. */
  link(source: string, target: string): void;
  /**
   * {@link link} and the removal of the source in one atomic step, for files.
   *
   * @returns `false` when nothing was done, for whatever reason: `link` tells which.
   */
  renameNew?(source: string, target: string): boolean;
  symlink(target: string, path: string): void;
  /** Permission bits of a file or directory; links are followed. */
  chmod(path: string, mode: number): void;
  fchmod(descriptor: number, mode: number): void;
  /** Owner of the node itself; links are not followed. */
  lchown(path: string, uid: number, gid: number): void;
  /** Times of the node itself, to the microsecond (all that Node offers). */
  lutimes(path: string, atimeNs: bigint, mtimeNs: bigint): void;

  /**
   * Extended attributes of the node itself, access lists among them; `undefined` where it has none.
   * Missing where this system cannot tell.
   */
  readonly attributes?: DiskAttributes | undefined;

  /**
   * Missing, or `undefined`, where there are none.
   *
   * @param savingUs what they are worth now, see `nativeCalls`.
   */
  kernelLocks?(savingUs: number): KernelLocks | undefined;

  /** Begins to create files beside what the caller does; `undefined` where that cannot be. */
  createInBackground?(): FileCreation | undefined;
  /** {@link close} for many, some time soon: the last one to close a file that is gone waits. */
  closeInBackground?(descriptors: readonly number[]): void;
  /** When all that was handed to {@link closeInBackground} before is closed. */
  whenClosed?(): Promise<void>;

  /**
   * Tells that so many files will be open at a time, so that opening them need not wait then.
   *
   * @param descriptor any open one.
   */
  expectOpenFiles?(count: number, descriptor: number): void;

  /** Free bytes for this user on the file system that holds `path`. */
  freeBytes(path: string): number;
  /** Files and directories that can still be made there; infinity where nothing bounds that. */
  freeFiles(path: string): number;

  /** Makes content and metadata of one file, or the names in one directory, durable. */
  fsync(descriptor: number): Promise<void>;
  /**
   * Makes the content of a file durable of which size and blocks have not changed, not its times:
   * one wait for the device, where {@link fsync} needs the file system's own journal too.
   */
  fdatasync(descriptor: number): Promise<void>;
  /**
   * Makes everything on the file system that holds `path` durable.
   * @returns `false` where this system has no such call; nothing is durable then.
   */
  syncfs(path: string): Promise<boolean>;
}
