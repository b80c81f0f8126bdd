import type fs from "node:fs";
import { constants, Dirent, realFileSystem as real, Stats } from "../../disk/lower-classes.ts";
import type { Core } from "../core.ts";
import { type Call, callbackOf, promiseOf, requireCallback } from "./asynchronous.ts";
import { attempt, synchronousCalls } from "./synchronous.ts";

/** An object with the functions of `node:fs` that works on an overlay. */
export type OverlayFs = typeof fs;

/** Builds the `node:fs`-shaped object of an overlay. */
export function createFacade(core: Core): OverlayFs {
  const calls = synchronousCalls(core);
  const { readView, writeView, ...plain } = calls;
  const facade: Record<string, unknown> = {};
  const promises: Record<string, unknown> = { constants };
  for (const [name, call] of Object.entries(plain)) {
    facade[`${name}Sync`] = call;
    facade[name] = callbackOf(call as Call);
    if (!descriptorOnly.has(name)) promises[name] = promiseOf(call as Call);
  }
  Object.assign(facade, {
    existsSync: (path: fs.PathLike): boolean => {
      try {
        calls.access(path as string);
        return true;
      } catch {
        return false;
      }
    },
    exists: (path: fs.PathLike, callback: (found: boolean) => void): void => {
      requireCallback(callback);
      setImmediate(callback, (facade["existsSync"] as (path: unknown) => boolean)(path));
    },
    readSync: readCall(calls),
    writeSync: writeCall(calls),
    Stats,
    Dirent,
    constants,
    F_OK: constants.F_OK,
    R_OK: constants.R_OK,
    W_OK: constants.W_OK,
    X_OK: constants.X_OK,
    promises,
  });
  return facade as unknown as OverlayFs;
}

const descriptorOnly = new Set([
  "close",
  "fstat",
  "fsync",
  "fdatasync",
  "ftruncate",
  "fchmod",
  "fchown",
  "futimes",
  "open",
]);

type Calls = ReturnType<typeof synchronousCalls>;

function readCall(calls: Calls) {
  return (
    descriptor: number,
    buffer: Uint8Array,
    offset = 0,
    length = buffer.byteLength - offset,
    position: number | null = null,
  ): number => {
    if (descriptor < 0x4000_0000)
      return real.readSync(descriptor, buffer, offset, length, position);
    const view = buffer.subarray(offset, offset + length);
    return calls.readView(descriptor, view, position ?? undefined);
  };
}

function writeCall(calls: Calls) {
  return (
    descriptor: number,
    data: Uint8Array | string,
    offset = 0,
    length = data.length - offset,
    position: number | null = null,
  ): number => {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (descriptor < 0x4000_0000)
      return real.writeSync(descriptor, bytes, offset, length, position);
    return calls.writeView(
      descriptor,
      bytes.subarray(offset, offset + length),
      position ?? undefined,
    );
  };
}

export { attempt };
