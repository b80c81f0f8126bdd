import type { ByteRange } from "../../disk/data-ranges.ts";
import type { Attributes } from "./protocol.ts";

/** A name in a directory; `mode` carries the file type bits. */
export interface BackendEntry {
  readonly name: string;
  readonly mode: number;
  readonly ino: bigint;
}

/** By what it is known that a directory of the lower has other names than before. */
export interface LowerSign {
  /** Another one for other names; empty where nothing shows through. */
  readonly text: string;
  readonly changedNs: bigint;
}

export interface BackendSpace {
  readonly blockBytes: number;
  readonly blocks: bigint;
  readonly free: bigint;
  readonly available: bigint;
  readonly files: bigint;
  readonly filesFree: bigint;
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
  /** Of the lower directory that shows through at `path`, of which the kernel hears nothing. */
  lowerSign(path: string): LowerSign;
  stat(path: string): Attributes;
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
  space(): BackendSpace;
}
