import { constants as fileTypes } from "node:fs";
import { constants } from "node:os";
import { decodeName } from "../../disk/names.ts";
import { childOf } from "../../disk/tree-path.ts";
import type { FuseBackend, LowerDirectory } from "./backend.ts";
import { DirectoryListings } from "./directory-listings.ts";
import { HeldDescriptors } from "./held-descriptors.ts";
import { ListingHabits } from "./listing-habits.ts";
import { LowerChanges } from "./lower-changes.ts";
import { NodeAttributes } from "./node-attributes.ts";
import { type FuseNode, NodeTable } from "./node-table.ts";
import { OperationError } from "./operation-error.ts";
import {
  type Attributes,
  directoryType,
  encodeAttributesReply,
  encodeEntryReply,
  encodeInvalidation,
  encodeOpenReply,
  encodeSpaceReply,
  fileTypeMask,
  namesIn,
  opcodes,
  openReplyFlags,
  type Request,
  regularFileType,
  renameFlags,
  setattrBits,
  transferBytesMax,
} from "./protocol.ts";

const openExclusive = 0o200;

/** An operation's answer: its payload, or nothing where the kernel awaits no reply. */
export type Answer = Buffer | "empty" | "none";

const setgidBit = 0o2000;

/** What mknod(2) makes, by the type bits of the mode; devices are nobody's to make. */
const specialKinds = new Map<number, "file" | "fifo" | "socket">([
  [0, "file"],
  [regularFileType, "file"],
  [fileTypes.S_IFIFO, "fifo"],
  [fileTypes.S_IFSOCK, "socket"],
]);

/** `whence` of lseek(2). */
const seekData = 3;
const seekHole = 4;

/** What operations need of the kernel beside its requests. */
export interface KernelDoor {
  /** Whether it opens directories without a message once OPENDIR was answered with ENOSYS. */
  readonly opensDirectoriesAlone: boolean;
  /** Sends a message of the server's own. */
  notify(message: Buffer): void;
  /** Sends messages for which the kernel may have to wait for whoever waits for an answer. */
  forget(messages: readonly Buffer[]): void;
}

/**
 * The file system operations of a FUSE server over a {@link FuseBackend}.
 *
 * Files are opened without a message ("zero-message open": OPEN is answered with ENOSYS), so reads
 * and writes come by node; the server holds a descriptor for each node in use. Directories as well,
 * where the kernel can (Linux 5.1): then it keeps all of their listings.
 */
export class FuseOperations {
  readonly #backend: FuseBackend;
  readonly #nodes: NodeTable;
  readonly #held: HeldDescriptors;
  readonly #habits = new ListingHabits();
  readonly #directories: DirectoryListings;
  readonly #attributes: NodeAttributes;
  readonly #lower: LowerChanges;
  readonly #kernel: KernelDoor;
  readonly #readBuffer = Buffer.allocUnsafeSlow(transferBytesMax);

  constructor(backend: FuseBackend, kernel: KernelDoor) {
    this.#backend = backend;
    this.#kernel = kernel;
    this.#nodes = new NodeTable((held) => this.#backend.close(held.descriptor));
    this.#held = new HeldDescriptors(backend, this.#nodes);
    this.#directories = new DirectoryListings(backend, this.#nodes, this.#habits, this.#readBuffer);
    this.#attributes = new NodeAttributes(backend, this.#nodes, this.#held, {
      // The kernel asks before it uses a directory, when the attributes that it has are old.
      onDirectory: (node) => this.#lookBelow(node),
    });
    this.#lower = new LowerChanges(backend, this.#nodes, (messages) => kernel.forget(messages));
    this.#nodes.onTold = (node, attributes) => this.#lower.noteTold(node, attributes);
  }

  /** Answers one request; throws an error with an `errno` when it fails. */
  answer(request: Request): Answer {
    const handler = this.#handlers.get(request.opcode);
    if (handler === undefined) throw new OperationError(constants.errno.ENOSYS);
    return handler(request);
  }

  readonly #handlers = new Map<number, (request: Request) => Answer>([
    [opcodes.lookup, (request) => this.#lookup(request)],
    [opcodes.forget, ({ nodeId, body }) => this.#forget(nodeId, body.readBigUInt64LE(0))],
    [opcodes.batchForget, ({ body }) => this.#batchForget(body)],
    [opcodes.getattr, ({ nodeId }) => encodeAttributesReply(this.#attributes.recentlyOf(nodeId))],
    [opcodes.setattr, (request) => this.#setattr(request)],
    [opcodes.readlink, ({ nodeId }) => this.#backend.readlink(this.#pathOf(nodeId))],
    [opcodes.symlink, (request) => this.#symlink(request)],
    [opcodes.mknod, (request) => this.#mknod(request)],
    [opcodes.mkdir, (request) => this.#mkdir(request)],
    [opcodes.unlink, (request) => this.#unlink(request)],
    [opcodes.rmdir, (request) => this.#rmdir(request)],
    [opcodes.rename, (request) => this.#rename(request, 8, 0)],
    [opcodes.rename2, (request) => this.#rename(request, 16, request.body.readUInt32LE(8))],
    [opcodes.link, (request) => this.#link(request)],
    [opcodes.create, (request) => this.#create(request)],
    [opcodes.read, (request) => this.#read(request)],
    [opcodes.write, (request) => this.#write(request)],
    [opcodes.lseek, (request) => this.#seek(request)],
    [opcodes.statfs, () => encodeSpaceReply(this.#backend.space())],
    [opcodes.release, () => "empty"],
    [opcodes.fsync, () => "empty"],
    [opcodes.fsyncdir, () => "empty"],
    [opcodes.syncfs, () => "empty"],
    [opcodes.opendir, () => this.#openDirectory()],
    [opcodes.readdir, (request) => this.#directories.read(request, false)],
    [opcodes.readdirplus, (request) => this.#directories.read(request, true)],
    [opcodes.releasedir, () => "empty"],
    [opcodes.interrupt, () => "none"],
    [opcodes.destroy, () => "empty"],
  ]);

  /** What others have changed on the disk in a directory that the kernel is about to use. */
  #lookBelow(directory: FuseNode): void {
    const path = this.#nodes.pathOf(directory);
    if (path === undefined) return;
    let found: LowerDirectory | "unknown" | undefined = "unknown";
    const findLower = (): LowerDirectory | undefined => {
      if (found === "unknown") found = this.#backend.lowerDirectory(path);
      return found;
    };
    if (this.#directories.isStale(directory, findLower)) {
      this.#kernel.notify(encodeInvalidation(directory.id));
    }
    this.#lower.look(directory, findLower);
  }

  #lookup(request: Request): Answer {
    const parent = this.#nodes.get(request.nodeId);
    const name = decodeName(namesIn(request.body, 0)[0] as Buffer);
    const attributes = this.#find(childOf(this.#pathOf(parent.id), name));
    if (attributes !== undefined) {
      const node = this.#nodes.reference(parent, name, attributes);
      if (node.type !== directoryType) this.#habits.noteLookup(parent.id);
      return encodeEntryReply(node.id, attributes);
    }
    this.#nodes.remove(parent, name);
    // Absence may be cached, except where names come and go without the kernel's knowledge.
    if (this.#isVolatile(parent) || !this.#lower.noteAbsent(parent, name)) {
      throw new OperationError(constants.errno.ENOENT);
    }
    return encodeEntryReply(0n, undefined);
  }

  #find(path: string): Attributes | undefined {
    try {
      return this.#backend.find(path);
    } catch (error) {
      // The upper, and parents that have gone, say so.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return undefined;
    }
  }

  #forget(id: bigint, count: bigint): Answer {
    const node = this.#nodes.get(id);
    this.#nodes.forget(id, count);
    if (node.held === undefined) this.#held.forget(node);
    return "none";
  }

  #batchForget(body: Buffer): Answer {
    const count = body.readUInt32LE(0);
    for (let index = 0; index < count; index++) {
      const offset = 8 + index * 16;
      this.#forget(body.readBigUInt64LE(offset), body.readBigUInt64LE(offset + 8));
    }
    return "none";
  }

  #setattr({ nodeId, body }: Request): Answer {
    const valid = body.readUInt32LE(0);
    const node = this.#nodes.get(nodeId);
    if (valid & setattrBits.size) {
      this.#backend.truncate(this.#held.descriptorOf(node, true), Number(body.readBigUInt64LE(16)));
    }
    const path = this.#nodes.pathOf(node);
    if (path === undefined) return encodeAttributesReply(this.#attributes.of(nodeId));
    if (valid & (setattrBits.uid | setattrBits.gid)) {
      const current = this.#backend.stat(path);
      const uid = valid & setattrBits.uid ? body.readUInt32LE(76) : current.uid;
      const gid = valid & setattrBits.gid ? body.readUInt32LE(80) : current.gid;
      this.#backend.lchown(path, uid, gid);
    }
    if (valid & setattrBits.mode) this.#backend.chmod(path, body.readUInt32LE(68) & 0o7777);
    if (valid & (setattrBits.atime | setattrBits.mtime)) this.#setTimes(path, valid, body);
    return encodeAttributesReply(this.#backend.stat(path));
  }

  #setTimes(path: string, valid: number, body: Buffer): void {
    const current = this.#backend.stat(path);
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    const given = (seconds: number, nanoseconds: number): bigint =>
      body.readBigInt64LE(seconds) * 1_000_000_000n + BigInt(body.readUInt32LE(nanoseconds));
    const atimeNs = valid & setattrBits.atimeNow ? nowNs : given(32, 56);
    const mtimeNs = valid & setattrBits.mtimeNow ? nowNs : given(40, 60);
    this.#backend.lutimes(
      path,
      valid & setattrBits.atime ? atimeNs : current.atimeNs,
      valid & setattrBits.mtime ? mtimeNs : current.mtimeNs,
    );
  }

  #symlink(request: Request): Answer {
    const [name, target] = namesIn(request.body, 0) as [Buffer, Buffer];
    return this.#make(request, name, (path) => this.#backend.symlink(target, path));
  }

  #mknod(request: Request): Answer {
    const mode = request.body.readUInt32LE(0);
    const name = namesIn(request.body, 16)[0] as Buffer;
    const kind = specialKinds.get(mode & fileTypeMask);
    if (kind === undefined) throw new OperationError(constants.errno.EPERM);
    return this.#make(request, name, (path) => {
      if (kind !== "file") this.#backend.makeSpecial(path, mode & 0o7777, kind);
      else this.#backend.close(this.#backend.create(path, mode & 0o7777, true));
    });
  }

  #mkdir(request: Request): Answer {
    const mode = request.body.readUInt32LE(0) & 0o7777;
    const name = namesIn(request.body, 8)[0] as Buffer;
    return this.#make(request, name, (path) => this.#backend.mkdir(path, mode));
  }

  #make(request: Request, nameBytes: Buffer, make: (path: string) => void): Answer {
    const parent = this.#nodes.get(request.nodeId);
    const name = decodeName(nameBytes);
    const path = childOf(this.#pathOf(request.nodeId), name);
    make(path);
    const attributes = this.#giveAway(path, request);
    const node = this.#nodes.reference(parent, name, attributes);
    return encodeEntryReply(node.id, attributes);
  }

  #unlink({ nodeId, body }: Request): Answer {
    const name = decodeName(namesIn(body, 0)[0] as Buffer);
    const parent = this.#nodes.get(nodeId);
    this.#held.keepReadable(parent, name);
    this.#backend.unlink(childOf(this.#pathOf(nodeId), name));
    this.#nodes.remove(parent, name);
    return "empty";
  }

  #rmdir({ nodeId, body }: Request): Answer {
    const name = decodeName(namesIn(body, 0)[0] as Buffer);
    this.#backend.rmdir(childOf(this.#pathOf(nodeId), name));
    this.#nodes.remove(this.#nodes.get(nodeId), name);
    return "empty";
  }

  #rename({ nodeId, body }: Request, namesOffset: number, flags: number): Answer {
    if (flags & ~renameFlags.noReplace) throw new OperationError(constants.errno.EINVAL);
    const [from, to] = namesIn(body, namesOffset).map(decodeName) as [string, string];
    const targetId = body.readBigUInt64LE(0);
    const target = this.#nodes.get(targetId);
    const targetPath = childOf(this.#pathOf(targetId), to);
    if (flags & renameFlags.noReplace && this.#exists(targetPath)) {
      throw new OperationError(constants.errno.EEXIST);
    }
    this.#held.keepReadable(target, to);
    this.#backend.rename(childOf(this.#pathOf(nodeId), from), targetPath);
    this.#nodes.move(this.#nodes.get(nodeId), from, target, to);
    return "empty";
  }

  #link({ nodeId, body }: Request): Answer {
    const source = this.#pathOf(body.readBigUInt64LE(0));
    const name = decodeName(namesIn(body, 8)[0] as Buffer);
    const parent = this.#nodes.get(nodeId);
    const linked = this.#nodes.get(body.readBigUInt64LE(0));
    const path = childOf(this.#pathOf(nodeId), name);
    this.#backend.link(source, path);
    const attributes = this.#backend.stat(path);
    this.#nodes.markLinked(linked);
    const node = this.#nodes.reference(parent, name, attributes);
    return encodeEntryReply(node.id, attributes);
  }

  /**
   * What is new belongs to whoever made it, and not to the server; the group may be inherited.
   *
   * @returns what it is then.
   */
  #giveAway(path: string, { nodeId, uid, gid }: Request): Attributes {
    const made = this.#backend.stat(path);
    if (made.uid === uid && made.gid === gid) return made;
    const isInherited = (this.#attributes.of(nodeId).mode & setgidBit) !== 0;
    const group = isInherited ? made.gid : gid;
    if (made.uid === uid && made.gid === group) return made;
    this.#backend.lchown(path, uid, group);
    return this.#backend.stat(path);
  }

  #create(request: Request): Answer {
    const { nodeId, body } = request;
    const flags = body.readUInt32LE(0);
    const mode = body.readUInt32LE(4) & 0o7777;
    const name = decodeName(namesIn(body, 16)[0] as Buffer);
    const parent = this.#nodes.get(nodeId);
    const path = childOf(this.#pathOf(nodeId), name);
    const descriptor = this.#backend.create(path, mode, (flags & openExclusive) !== 0);
    const attributes = this.#giveAway(path, request);
    const node = this.#nodes.reference(parent, name, attributes);
    this.#held.hold(node, { descriptor, writable: true });
    return Buffer.concat([encodeEntryReply(node.id, attributes), encodeOpenReply(0n, 0)]);
  }

  #read({ nodeId, body }: Request): Answer {
    const position = Number(body.readBigUInt64LE(8));
    const size = Math.min(body.readUInt32LE(16), transferBytesMax);
    const descriptor = this.#held.descriptorOf(this.#nodes.get(nodeId), false);
    const target = this.#readBuffer.subarray(0, size);
    return target.subarray(0, this.#backend.read(descriptor, target, position));
  }

  #write({ nodeId, body }: Request): Answer {
    const position = Number(body.readBigUInt64LE(8));
    const size = body.readUInt32LE(16);
    const descriptor = this.#held.descriptorOf(this.#nodes.get(nodeId), true);
    this.#backend.write(descriptor, body.subarray(40, 40 + size), position);
    const payload = Buffer.alloc(8);
    payload.writeUInt32LE(size, 0);
    return payload;
  }

  /** Where data or a hole begins; all other ways of seeking are the kernel's own. */
  #seek({ nodeId, body }: Request): Answer {
    const position = Number(body.readBigUInt64LE(8));
    const whence = body.readUInt32LE(16);
    if (whence !== seekData && whence !== seekHole)
      throw new OperationError(constants.errno.EINVAL);
    const descriptor = this.#held.descriptorOf(this.#nodes.get(nodeId), false);
    const size = Number(this.#backend.statDescriptor(descriptor).size);
    if (position >= size) throw new OperationError(constants.errno.ENXIO);
    const ranges = this.#backend.dataRanges(descriptor, size);
    const range = [...ranges].find(({ end }) => end > position);
    const isInHole = range === undefined || position < range.start;
    let found = position;
    if (whence === seekData && range === undefined) throw new OperationError(constants.errno.ENXIO);
    if (whence === seekData && isInHole) found = range?.start ?? size;
    if (whence === seekHole && !isInHole) found = Math.min(range.end, size);
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64LE(BigInt(found), 0);
    return payload;
  }

  /** The kernel keeps what was listed, until it changes something itself or hears from us. */
  #openDirectory(): Answer {
    if (this.#kernel.opensDirectoriesAlone) throw new OperationError(constants.errno.ENOSYS);
    return encodeOpenReply(0n, openReplyFlags.keepCache | openReplyFlags.cacheDirectory);
  }

  /** A directory that was removed has no names that could come. */
  #isVolatile(node: FuseNode): boolean {
    const path = this.#nodes.pathOf(node);
    return path !== undefined && this.#backend.isVolatile(path);
  }

  #pathOf(id: bigint): string {
    const path = this.#nodes.pathOf(this.#nodes.get(id));
    if (path === undefined) throw new OperationError(constants.errno.ENOENT);
    return path;
  }

  #exists(path: string): boolean {
    try {
      this.#backend.stat(path);
      return true;
    } catch {
      return false;
    }
  }
}
