import fs from "node:fs";
import { dirname } from "node:path";
import { encodePath } from "../names.ts";
import { allocationOn } from "../native/allocation.ts";
import { openFlags } from "../open-flags.ts";

/**
 * Files to be created, in this order, by whoever claims the batch first. As few objects as can be:
 * another thread gets copies of them.
 */
export interface FileBatch {
  readonly kind: "create";
  /** As `names.ts` has them, with a NUL in between. */
  readonly paths: string;
  /** For each file its permission bits, less the process's umask, and its size in bytes. */
  readonly facts: Int32Array;
  /** The content of the files, one behind the other. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** One number: 0 until somebody claims the batch. */
  readonly claim: Int32Array<SharedArrayBuffer>;
}

/** What became of a batch: work on it stops at the first file that cannot be created. */
export type BatchOutcome =
  | { readonly kind: "done" }
  /** Somebody else has claimed it. */
  | { readonly kind: "claimed" }
  | {
      readonly kind: "failed";
      /** Of the file in its batch. */
      readonly index: number;
      readonly message: string;
      readonly code: string | undefined;
      readonly errno: number | undefined;
      readonly syscall: string | undefined;
    };

/** Creates the files of a batch, unless somebody else does. Threads may race for it. */
export function createBatch({ paths, facts, bytes, claim }: FileBatch): BatchOutcome {
  if (Atomics.compareExchange(claim, 0, 0, 1) !== 0) return { kind: "claimed" };
  const places = paths.split("\0");
  let index = 0;
  let start = 0;
  try {
    const prepare = preparationOn(places[0] ?? "", places.length);
    for (; index < places.length; index++) {
      const path = encodePath(places[index] ?? "");
      const end = start + (facts[index * 2 + 1] ?? 0);
      createFile(path, facts[index * 2], bytes.subarray(start, end), prepare);
      start = end;
    }
  } catch (error) {
    const { message, code, errno, syscall } = error as NodeJS.ErrnoException;
    return { kind: "failed", index, message, code, errno, syscall };
  }
  return { kind: "done" };
}

function createFile(
  path: string | Buffer,
  mode: number | undefined,
  bytes: Uint8Array,
  prepare: Preparation,
): void {
  const descriptor = fs.openSync(path, openFlags.createNew, mode);
  try {
    prepare(descriptor, bytes.length);
    for (let written = 0; written < bytes.length; ) {
      written += fs.writeSync(descriptor, bytes, written);
    }
  } finally {
    fs.closeSync(descriptor);
  }
}

/** What is done with a new file before its bytes are written. */
type Preparation = (descriptor: number, size: number) => void;

/**
 * See {@link allocationOn}. Where it is impossible, the bytes are written when the file is closed,
 * which ext4 does with one that was truncated to nothing (ext4_truncate, ext4_release_file).
 */
function preparationOn(path: string, files: number): Preparation {
  const allocation = allocationOn(dirname(path), files);
  if (allocation.kind === "needless") return () => {};
  return (descriptor, size) => {
    const isPossible = allocation.kind === "possible" && size > 0;
    if (isPossible && allocation.allocate(descriptor, size)) return;
    fs.ftruncateSync(descriptor, 0);
  };
}
