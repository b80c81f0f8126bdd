import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { setMode, setOwner, setTimes } from "../calls/attributes.ts";
import { describe } from "../calls/inspect.ts";
import { truncateOpen } from "../calls/open.ts";
import type { Core } from "../core.ts";
import { requireOwner } from "../credentials.ts";
import type { OpenFile } from "../descriptors.ts";
import type { Node } from "../node.ts";
import { statOptionsOf, timesOf } from "./arguments.ts";
import { attemptOn } from "./attempt.ts";
import { checkOwner, requiredModeOf } from "./attribute-calls.ts";

/**
 * The functions on descriptors. Those that are not the overlay's belong to the process (its
 * standard streams, pipes, sockets) and go to `node:fs`.
 */
export function descriptorCalls(core: Core) {
  const isOwn = (descriptor: number): boolean => core.descriptors.isOwn(descriptor);
  const file = (descriptor: number): OpenFile => core.descriptors.get(descriptor);
  const owned = (descriptor: number): Node => {
    const node = core.nodeOf(file(descriptor));
    requireOwner(node);
    return node;
  };
  return {
    close(descriptor: number): void {
      if (!isOwn(descriptor)) real.closeSync(descriptor);
      else attemptOn("close", () => core.descriptors.close(descriptor));
    },

    fstat(descriptor: number, options?: unknown): unknown {
      if (!isOwn(descriptor)) return real.fstatSync(descriptor, options as { bigint: false });
      const bigint = statOptionsOf(options).bigint === true;
      return attemptOn("fstat", () => describe(core, file(descriptor), bigint));
    },

    fsync(descriptor: number): void {
      if (!isOwn(descriptor)) real.fsyncSync(descriptor);
      else attemptOn("fsync", () => file(descriptor));
    },

    fdatasync(descriptor: number): void {
      if (!isOwn(descriptor)) real.fdatasyncSync(descriptor);
      else attemptOn("fdatasync", () => file(descriptor));
    },

    ftruncate: (descriptor: number, length?: unknown): void =>
      truncateDescriptor(core, descriptor, length),

    fchmod(descriptor: number, mode: unknown): void {
      const bits = requiredModeOf(mode);
      if (!isOwn(descriptor)) real.fchmodSync(descriptor, bits);
      else attemptOn("fchmod", () => setMode(core, owned(descriptor), bits));
    },

    fchown(descriptor: number, uid: number, gid: number): void {
      checkOwner(uid, gid);
      if (!isOwn(descriptor)) real.fchownSync(descriptor, uid, gid);
      else {
        attemptOn("fchown", () => setOwner(core, core.nodeOf(file(descriptor)), { uid, gid }));
      }
    },

    futimes(descriptor: number, atime: unknown, mtime: unknown): void {
      const times = timesOf(atime, mtime, (_nowhere, ...given) =>
        real.futimesSync(closedDescriptor, ...given),
      );
      if (!isOwn(descriptor)) {
        real.futimesSync(descriptor, atime as number, mtime as number);
      } else attemptOn("futime", () => setTimes(core, owned(descriptor), times));
    },
  };
}

/** `ftruncate`. @throws as Node. */
export function truncateDescriptor(core: Core, descriptor: number, length: unknown): void {
  const { descriptors } = core;
  const size = lengthOf(length);
  if (!descriptors.isOwn(descriptor)) real.ftruncateSync(descriptor, size);
  else attemptOn("ftruncate", () => truncateOpen(core, descriptors.get(descriptor), size));
}

/** A new size; negative ones mean 0. @throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` as Node. */
export function lengthOf(length: unknown): number {
  if (length === undefined) return 0;
  if (typeof length !== "number" || !Number.isSafeInteger(length)) {
    checkArguments(() => real.ftruncateSync(closedDescriptor, length as number));
  }
  return Math.max(0, length as number);
}

/** A descriptor that no process can have open: calls on it check their arguments and no more. */
export const closedDescriptor = 0x7fff_ffff;
