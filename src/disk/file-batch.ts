import fs from "node:fs";
import { encodePath } from "./names.ts";
import { openFlags } from "./open-flags.ts";

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
  let start = 0;
  for (const [index, path] of paths.split("\0").entries()) {
    const mode = facts[index * 2];
    const end = start + (facts[index * 2 + 1] ?? 0);
    try {
      createFile(encodePath(path), mode, bytes.subarray(start, end));
    } catch (error) {
      const { message, code, errno, syscall } = error as NodeJS.ErrnoException;
      return { kind: "failed", index, message, code, errno, syscall };
    }
    start = end;
  }
  return { kind: "done" };
}

function createFile(path: string | Buffer, mode: number | undefined, bytes: Uint8Array): void {
  const descriptor = fs.openSync(path, openFlags.createNew, mode);
  try {
    // ext4 gives a file that was truncated to nothing its blocks when it is closed, and any other
    // one when it is renamed over another file (ext4_truncate, ext4_release_file and ext4_rename
    // in Linux): so the time for it passes here, not while the tree is half changed.
    fs.ftruncateSync(descriptor, 0);
    for (let written = 0; written < bytes.length; ) {
      written += fs.writeSync(descriptor, bytes, written);
    }
  } finally {
    fs.closeSync(descriptor);
  }
}
