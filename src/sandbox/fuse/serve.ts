import { readSync } from "node:fs";
import { constants } from "node:os";
import type { FuseBackend } from "./backend.ts";
import { KernelNotices } from "./kernel-notices.ts";
import { type Answer, FuseOperations } from "./operations.ts";
import {
  decodeRequest,
  encodeReply,
  initFlags,
  opcodes,
  protocolMajor,
  protocolMinor,
  type Request,
  requestBytesMax,
  transferBytesMax,
} from "./protocol.ts";
import { writeMessage } from "./write-message.ts";

/**
 * Serves a FUSE mount until it is unmounted: a loop of blocking reads and writes on the device,
 * which is faster than anything asynchronous and needs a process of its own.
 *
 * Nothing that runs in this process may touch the mount: it would wait for itself.
 *
 * @param device descriptor of `/dev/fuse`, opened by the process that mounted it.
 * @param listen is told of every request before it is answered.
 */
export function serveFuse(
  device: number,
  backend: FuseBackend,
  listen: (request: Request) => void = () => {},
): void {
  const notices = new KernelNotices(device);
  const kernel = {
    opensDirectoriesAlone: false,
    notify: (message: Buffer) => writeMessage(device, message),
    forget: (messages: readonly Buffer[]) => notices.send(messages),
  };
  const operations = new FuseOperations(backend, kernel);
  const buffer = Buffer.allocUnsafeSlow(requestBytesMax);
  for (;;) {
    const length = readRequest(device, buffer);
    if (length === undefined) return;
    const request = decodeRequest(buffer.subarray(0, length));
    listen(request);
    if (request.opcode === opcodes.init) {
      kernel.opensDirectoriesAlone = (flagsOffered(request) & initFlags.noOpendirSupport) !== 0;
      writeMessage(device, encodeInitReply(request));
      continue;
    }
    const reply = replyTo(operations, request);
    if (reply !== undefined) writeMessage(device, reply);
  }
}

/** Reads one request; `undefined` once the mount is gone. */
function readRequest(device: number, buffer: Buffer): number | undefined {
  for (;;) {
    try {
      return readSync(device, buffer, 0, buffer.length, null);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENODEV") return undefined;
      // ENOENT: the request was interrupted before it was read.
      if (code !== "ENOENT" && code !== "EINTR" && code !== "EAGAIN") throw error;
    }
  }
}

function replyTo(operations: FuseOperations, request: Request): Buffer | undefined {
  try {
    const answer: Answer = operations.answer(request);
    if (answer === "none") return undefined;
    return encodeReply(request.unique, 0, answer === "empty" ? undefined : answer);
  } catch (error) {
    return encodeReply(request.unique, errnoOf(error));
  }
}

function errnoOf(error: unknown): number {
  const errno = (error as { errno?: unknown }).errno;
  return typeof errno === "number" && errno < 0 ? -errno : constants.errno.EIO;
}

function flagsOffered({ body }: Request): number {
  return body.readUInt32LE(12);
}

function encodeInitReply(request: Request): Buffer {
  const wanted =
    initFlags.asyncRead |
    initFlags.bigWrites |
    initFlags.readdirPlus |
    initFlags.readdirPlusAuto |
    initFlags.parallelDirectoryOperations |
    initFlags.maxPages |
    initFlags.cacheSymlinks |
    initFlags.noOpendirSupport;
  const payload = Buffer.alloc(64);
  payload.writeUInt32LE(protocolMajor, 0);
  payload.writeUInt32LE(protocolMinor, 4);
  payload.writeUInt32LE(request.body.readUInt32LE(8), 8);
  payload.writeUInt32LE((flagsOffered(request) & wanted) >>> 0, 12);
  payload.writeUInt16LE(64, 16);
  payload.writeUInt16LE(48, 18);
  payload.writeUInt32LE(transferBytesMax, 20);
  payload.writeUInt32LE(1, 24);
  payload.writeUInt16LE(transferBytesMax / 4096, 28);
  return encodeReply(request.unique, 0, payload);
}
