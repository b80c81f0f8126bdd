import type * as nodeFs from "node:fs";
import { constants } from "node:fs";
import { constants as osConstants } from "node:os";
import { decodeName, encodePath } from "../../disk/names.ts";
import type { BackendEntry, FuseBackend } from "./backend.ts";
import type { Attributes, Space } from "./protocol.ts";

/** The calls of a `node:fs`-shaped object that serving it needs. */
export type ServedFs = Pick<
  typeof nodeFs,
  | "chmodSync"
  | "closeSync"
  | "fstatSync"
  | "ftruncateSync"
  | "lchownSync"
  | "linkSync"
  | "lstatSync"
  | "lutimesSync"
  | "mkdirSync"
  | "openSync"
  | "readdirSync"
  | "readlinkSync"
  | "readSync"
  | "renameSync"
  | "rmdirSync"
  | "statfsSync"
  | "symlinkSync"
  | "unlinkSync"
  | "writeSync"
>;

/** Serves the tree at `root` of any `node:fs`-shaped object: an overlay, or the disk itself. */
export function fsBackend(fs: ServedFs, root: string): FuseBackend {
  const at = (path: string): string | Buffer => encodePath(path === "" ? root : `${root}/${path}`);
  return {
    generation: () => Number.NaN,
    isVolatile: () => false,
    lowerDirectory: () => undefined,
    isPending: () => false,
    stat: (path) => attributesOf(fs.lstatSync(at(path), { bigint: true })),
    find: (path) => {
      const stats = fs.lstatSync(at(path), { bigint: true, throwIfNoEntry: false });
      return stats === undefined ? undefined : attributesOf(stats);
    },
    statDescriptor: (descriptor) => attributesOf(fs.fstatSync(descriptor, { bigint: true })),
    list: (path) => listDirectory(fs, at(path), path),
    readlink: (path) => fs.readlinkSync(at(path), { encoding: "buffer" }),
    open: (path, writable) =>
      fs.openSync(at(path), (writable ? constants.O_RDWR : constants.O_RDONLY) | noFollow),
    create: (path, mode, exclusive) => {
      const flags = constants.O_RDWR | constants.O_CREAT | noFollow;
      return fs.openSync(at(path), flags | (exclusive ? constants.O_EXCL : 0), mode);
    },
    close: (descriptor) => fs.closeSync(descriptor),
    read: (descriptor, buffer, position) => readFully(fs, descriptor, buffer, position),
    dataRanges: (_descriptor, size) => [{ start: 0, end: size }],
    write: (descriptor, bytes, position) => writeFully(fs, descriptor, bytes, position),
    truncate: (descriptor, size) => fs.ftruncateSync(descriptor, size),
    makeSpecial: (path) => {
      throw notSupported(path);
    },
    mkdir: (path, mode) => fs.mkdirSync(at(path), { mode }),
    unlink: (path) => fs.unlinkSync(at(path)),
    rmdir: (path) => fs.rmdirSync(at(path)),
    rename: (source, target) => fs.renameSync(at(source), at(target)),
    link: (source, target) => fs.linkSync(at(source), at(target)),
    symlink: (target, path) => fs.symlinkSync(target, at(path)),
    chmod: (path, mode) => fs.chmodSync(at(path), mode),
    lchown: (path, uid, gid) => fs.lchownSync(at(path), uid, gid),
    lutimes: (path, atimeNs, mtimeNs) =>
      fs.lutimesSync(at(path), secondsOf(atimeNs), secondsOf(mtimeNs)),
    space: () => spaceOf(fs, root),
  };
}

/** Calls of `node:fs` make neither fifos nor sockets. */
function notSupported(path: string): Error {
  return Object.assign(new Error(`EPERM: operation not permitted, mknod '${path}'`), {
    code: "EPERM",
    errno: -osConstants.errno.EPERM,
  });
}

const noFollow = constants.O_NOFOLLOW;

function attributesOf(stats: nodeFs.BigIntStats): Attributes {
  return {
    ino: stats.ino,
    size: stats.size,
    blocks: stats.blocks,
    atimeNs: stats.atimeNs,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    mode: Number(stats.mode),
    nlink: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    rdev: Number(stats.rdev),
  };
}

function listDirectory(fs: ServedFs, directory: string | Buffer, path: string): BackendEntry[] {
  const entries = fs.readdirSync(directory, { withFileTypes: true, encoding: "buffer" });
  const start = hashed(path, hashBasis);
  return entries.map((entry) => {
    // Names are bytes: as text, what is not UTF-8 would be lost.
    const name = decodeName(entry.name);
    // An entry's inode number is only a hint to readers; any number but 0 will do.
    return { name, mode: modeOf(entry), ino: BigInt((hashed(name, start) | 1) >>> 0) };
  });
}

/** FNV-1a with 32 bits: numbers of Node, which need no memory of their own. */
const hashBasis = 0x811c9dc5;
const hashPrime = 0x01000193;

function hashed(text: string, start: number): number {
  let hash = start;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), hashPrime);
  }
  return hash >>> 0;
}

function modeOf(entry: nodeFs.Dirent<Buffer>): number {
  if (entry.isFile()) return constants.S_IFREG;
  if (entry.isDirectory()) return constants.S_IFDIR;
  if (entry.isSymbolicLink()) return constants.S_IFLNK;
  if (entry.isFIFO()) return constants.S_IFIFO;
  if (entry.isSocket()) return constants.S_IFSOCK;
  return entry.isBlockDevice() ? constants.S_IFBLK : constants.S_IFCHR;
}

function readFully(fs: ServedFs, descriptor: number, buffer: Buffer, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const length = buffer.length - filled;
    const count = fs.readSync(descriptor, buffer, filled, length, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function writeFully(fs: ServedFs, descriptor: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    const length = bytes.length - written;
    written += fs.writeSync(descriptor, bytes, written, length, position + written);
  }
}

function spaceOf(fs: ServedFs, root: string): Space {
  const stats = fs.statfsSync(root, { bigint: true });
  return {
    blockBytes: Number(stats.bsize),
    blocks: stats.blocks,
    free: stats.bfree,
    available: stats.bavail,
    files: stats.files,
    filesFree: stats.ffree,
  };
}

function secondsOf(timeNs: bigint): number {
  return Number(timeNs / 1000n) / 1e6;
}
