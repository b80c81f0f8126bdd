import type { ByteRange } from "../../disk/data-ranges.ts";
import type { Attributes, Space } from "./protocol.ts";

/** A name in a directory; `mode` carries the file type bits. */
export interface BackendEntry {
  readonly name: string;
  readonly mode: number;
  readonly ino: bigint;
}

/** By what it is known that a directory of the lower has other names than before. */
export interface LowerSign {
  /** Another one for other names. */
  readonly text: string;
  readonly changedNs: bigint;
}

/** A directory of the lower that shows through, of which the kernel hears nothing. */
export interface LowerDirectory {
  /** Where it lies on the disk. */
  readonly place: string;
  readonly ino: bigint;
  readonly sign: LowerSign;
  /** What it holds under a name, unless the upper does: then only this mount changes it. */
  stampOf(name: string): LowerStamp | "own" | undefined;
}

/** By what it is known that a node of the lower is another one than before. */
export interface LowerStamp {
  readonly ino: bigint;
  /** The type bits of its mode. */
  readonly type: number;
  readonly changedNs: bigint;
}

/**
 * The tree that a FUSE server serves. Paths are tree paths and never lead through a symlink: the
 * kernel has resolved them. Every method throws Node's own error, whose `errno` goes to the caller.
 */
export interface FuseBackend {
  /** Grows with every change that is made through this server. */
  generation(): number;
  /** Whether names come and go in a directory without the kernel's knowledge. */
  isVolatile(path: string): boolean;
  /** The lower directory that shows through at `path`, if one does. */
  lowerDirectory(path: string): LowerDirectory | undefined;
  /** Whether the upper holds what lies at `path`, so that only this mount changes it. */
  isPending(path: string): boolean;
  stat(path: string): Attributes;
  /** The same, or `undefined` where there is nothing: an error that is thrown costs more. */
  find(path: string): Attributes | undefined;
  list(path: string): BackendEntry[];
  readlink(path: string): Buffer;
  /** Opens a file for reading and, when asked, for writing; returns a descriptor. */
  open(path: string, writable: boolean): number;
  create(path: string, mode: number, exclusive: boolean): number;
  close(descriptor: number): void;
  statDescriptor(descriptor: number): Attributes;
  read(descriptor: number, buffer: Buffer, position: number): number;
  /** Where an open file of `size` bytes has data, in order. */
  dataRanges(descriptor: number, size: number): Iterable<ByteRange>;
  write(descriptor: number, bytes: Buffer, position: number): void;
  truncate(descriptor: number, size: number): void;
  /** Makes a fifo or a socket. */
  makeSpecial(path: string, mode: number, kind: "fifo" | "socket"): void;
  mkdir(path: string, mode: number): void;
  unlink(path: string): void;
  rmdir(path: string): void;
  rename(source: string, target: string): void;
  link(source: string, target: string): void;
  symlink(target: Buffer, path: string): void;
  chmod(path: string, mode: number): void;
  lchown(path: string, uid: number, gid: number): void;
  lutimes(path: string, atimeNs: bigint, mtimeNs: bigint): void;
  space(): Space;
}
