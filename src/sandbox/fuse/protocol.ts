/**
 * The FUSE wire protocol, as much of it as the server speaks: version 7.31, little-endian.
 * Source: `include/uapi/linux/fuse.h` of the Linux kernel, whose names are kept.
 */

export const protocolMajor = 7;
export const protocolMinor = 31;

/** Bytes of `struct fuse_in_header` and `struct fuse_out_header`. */
export const requestHeaderBytes = 40;
export const replyHeaderBytes = 16;

/** Bytes of data in one READ or WRITE: 256 pages, the most the kernel sends without hints. */
export const transferBytesMax = 1024 * 1024;

/** The kernel refuses a read buffer smaller than a whole WRITE request with its headers. */
export const requestBytesMax = transferBytesMax + 4096;

/** The kernel's node id of the mount's root. */
export const rootNodeId = 1n;

export const opcodes = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  getxattr: 22,
  listxattr: 23,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  fallocate: 43,
  readdirplus: 44,
  rename2: 45,
  lseek: 46,
  syncfs: 50,
} as const;

/** Capabilities asked for at INIT, where the kernel offers them. */
export const initFlags = {
  asyncRead: 1 << 0,
  atomicTruncate: 1 << 3,
  bigWrites: 1 << 5,
  dontMask: 1 << 6,
  readdirPlus: 1 << 13,
  readdirPlusAuto: 1 << 14,
  parallelDirectoryOperations: 1 << 18,
  maxPages: 1 << 22,
  cacheSymlinks: 1 << 23,
  noOpendirSupport: 1 << 24,
} as const;

/** Bits of `fuse_setattr_in.valid`. */
export const setattrBits = {
  mode: 1 << 0,
  uid: 1 << 1,
  gid: 1 << 2,
  size: 1 << 3,
  atime: 1 << 4,
  mtime: 1 << 5,
  handle: 1 << 6,
  atimeNow: 1 << 7,
  mtimeNow: 1 << 8,
} as const;

/** Flags of an OPEN reply: keep the page cache; cache the directory's listing. */
export const openReplyFlags = { keepCache: 1 << 1, cacheDirectory: 1 << 3 } as const;

export const renameFlags = { noReplace: 1, exchange: 2, whiteout: 4 } as const;

/** One request, decoded up to its operation's own arguments in `body`. */
export interface Request {
  readonly opcode: number;
  readonly unique: bigint;
  readonly nodeId: bigint;
  readonly uid: number;
  readonly gid: number;
  /** Thread that asks, by its number where the mount was made: on the host. */
  readonly pid: number;
  /** Valid until the next request is read into the same buffer. */
  readonly body: Buffer;
}

/** Decodes the request that fills the first bytes of `buffer`. */
export function decodeRequest(buffer: Buffer): Request {
  return {
    opcode: buffer.readUInt32LE(4),
    unique: buffer.readBigUInt64LE(8),
    nodeId: buffer.readBigUInt64LE(16),
    uid: buffer.readUInt32LE(24),
    gid: buffer.readUInt32LE(28),
    pid: buffer.readUInt32LE(32),
    body: buffer.subarray(requestHeaderBytes, buffer.readUInt32LE(0)),
  };
}

/** A whole reply: `errno` 0 with its payload, or a positive errno without one. */
export function encodeReply(unique: bigint, errno: number, payload?: Buffer): Buffer {
  const length = replyHeaderBytes + (payload?.length ?? 0);
  const reply = Buffer.allocUnsafe(length);
  reply.writeUInt32LE(length, 0);
  reply.writeInt32LE(-errno, 4);
  reply.writeBigUInt64LE(unique, 8);
  if (payload) payload.copy(reply, replyHeaderBytes);
  return reply;
}

/** `FUSE_NOTIFY_INVAL_INODE`, `FUSE_NOTIFY_INVAL_ENTRY`. */
const invalidateInode = 2;
const invalidateEntry = 3;

/** A message of the server's own: nothing that the kernel keeps of a node holds any more. */
export function encodeInvalidation(nodeId: bigint): Buffer {
  const payload = Buffer.alloc(24);
  payload.writeBigUInt64LE(nodeId, 0);
  return encodeReply(0n, -invalidateInode, payload);
}

/** A message of the server's own: what the kernel knows of a name in a directory holds no more. */
export function encodeEntryInvalidation(directoryId: bigint, name: Uint8Array): Buffer {
  // The name ends with a NUL that its length does not count.
  const payload = Buffer.alloc(16 + name.length + 1);
  payload.writeBigUInt64LE(directoryId, 0);
  payload.writeUInt32LE(name.length, 8);
  payload.set(name, 16);
  return encodeReply(0n, -invalidateEntry, payload);
}

/** The file type bits of a mode, and two of their values. */
export const fileTypeMask = 0o170000;
export const regularFileType = 0o100000;
export const directoryType = 0o040000;

/** What `struct fuse_attr` says of a node; `mode` with its file type bits. */
export interface Attributes {
  readonly ino: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  /** Changes without the kernel's knowledge, so that it must ask every time. */
  readonly isVolatile?: boolean;
}

export const attributesBytes = 88;
const nanosecondsPerSecond = 1_000_000_000n;

/** Writes `struct fuse_attr` at `offset`. */
export function writeAttributes(target: Buffer, offset: number, attributes: Attributes): void {
  const times = [attributes.atimeNs, attributes.mtimeNs, attributes.ctimeNs];
  target.writeBigUInt64LE(attributes.ino, offset);
  target.writeBigUInt64LE(attributes.size, offset + 8);
  target.writeBigUInt64LE(attributes.blocks, offset + 16);
  times.forEach((timeNs, index) => {
    const seconds = floorSeconds(timeNs);
    target.writeBigInt64LE(seconds, offset + 24 + index * 8);
    target.writeUInt32LE(Number(timeNs - seconds * nanosecondsPerSecond), offset + 48 + index * 4);
  });
  target.writeUInt32LE(attributes.mode, offset + 60);
  target.writeUInt32LE(attributes.nlink, offset + 64);
  target.writeUInt32LE(attributes.uid, offset + 68);
  target.writeUInt32LE(attributes.gid, offset + 72);
  target.writeUInt32LE(attributes.rdev, offset + 76);
  target.writeUInt32LE(4096, offset + 80);
  target.writeUInt32LE(0, offset + 84);
}

function floorSeconds(timeNs: bigint): bigint {
  const seconds = timeNs / nanosecondsPerSecond;
  return timeNs < 0n && seconds * nanosecondsPerSecond !== timeNs ? seconds - 1n : seconds;
}

export const entryBytes = 128;

/** Seconds for which the kernel may keep names and attributes: only this mount changes them. */
const cacheSeconds = 3600n;

/**
 * Seconds for which it may keep those of directories, and with them their listings: others may
 * change what shows through from the lower. It asks when a directory is used, once each time.
 */
const directoryCacheSeconds = 1n;

function attributeSeconds({ isVolatile, mode }: Attributes): bigint {
  if (isVolatile === true) return 0n;
  return (mode & fileTypeMask) === directoryType ? directoryCacheSeconds : cacheSeconds;
}

/** Writes `struct fuse_entry_out`; node id 0 is a cached "no such name". */
export function writeEntry(
  target: Buffer,
  offset: number,
  nodeId: bigint,
  attributes: Attributes | undefined,
): void {
  target.fill(0, offset, offset + entryBytes);
  target.writeBigUInt64LE(nodeId, offset);
  const seconds = attributes?.isVolatile === true ? 0n : cacheSeconds;
  target.writeBigUInt64LE(seconds, offset + 16);
  target.writeBigUInt64LE(attributes ? attributeSeconds(attributes) : seconds, offset + 24);
  if (attributes) writeAttributes(target, offset + 40, attributes);
}

/** `struct fuse_attr_out`. */
export function encodeAttributesReply(attributes: Attributes): Buffer {
  const payload = Buffer.alloc(16 + attributesBytes);
  payload.writeBigUInt64LE(attributeSeconds(attributes), 0);
  writeAttributes(payload, 16, attributes);
  return payload;
}

/** `struct fuse_entry_out`. */
export function encodeEntryReply(nodeId: bigint, attributes: Attributes | undefined): Buffer {
  const payload = Buffer.allocUnsafe(entryBytes);
  writeEntry(payload, 0, nodeId, attributes);
  return payload;
}

/** `struct fuse_open_out`. */
export function encodeOpenReply(handle: bigint, flags: number): Buffer {
  const payload = Buffer.alloc(16);
  payload.writeBigUInt64LE(handle, 0);
  payload.writeUInt32LE(flags, 8);
  return payload;
}

/** Room on a file system, as `struct fuse_kstatfs` tells of it. */
export interface Space {
  readonly blockBytes: number;
  readonly blocks: bigint;
  readonly free: bigint;
  readonly available: bigint;
  readonly files: bigint;
  readonly filesFree: bigint;
}

/** `struct fuse_statfs_out`. */
export function encodeSpaceReply(space: Space): Buffer {
  const payload = Buffer.alloc(80);
  payload.writeBigUInt64LE(space.blocks, 0);
  payload.writeBigUInt64LE(space.free, 8);
  payload.writeBigUInt64LE(space.available, 16);
  payload.writeBigUInt64LE(space.files, 24);
  payload.writeBigUInt64LE(space.filesFree, 32);
  payload.writeUInt32LE(space.blockBytes, 40);
  payload.writeUInt32LE(255, 44);
  payload.writeUInt32LE(space.blockBytes, 48);
  return payload;
}

/** The NUL-terminated names in `body` from `offset`, as bytes. */
export function namesIn(body: Buffer, offset: number): Buffer[] {
  const names: Buffer[] = [];
  for (let start = offset; start < body.length; ) {
    const end = body.indexOf(0, start);
    if (end < 0) break;
    names.push(Buffer.from(body.subarray(start, end)));
    start = end + 1;
  }
  return names;
}

/** The bytes of one directory entry without attributes, padded to eight. */
export function directoryEntryBytes(nameBytes: number): number {
  return (24 + nameBytes + 7) & ~7;
}

/** Writes `struct fuse_dirent`; `position` is where a later READDIR goes on. */
export function writeDirectoryEntry(
  target: Buffer,
  offset: number,
  entry: { readonly ino: bigint; readonly position: number; readonly type: number },
  name: Buffer,
): void {
  target.writeBigUInt64LE(entry.ino, offset);
  target.writeBigUInt64LE(BigInt(entry.position), offset + 8);
  target.writeUInt32LE(name.length, offset + 16);
  target.writeUInt32LE(entry.type, offset + 20);
  name.copy(target, offset + 24);
  target.fill(0, offset + 24 + name.length, offset + directoryEntryBytes(name.length));
}
