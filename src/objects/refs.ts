import { dirname } from "node:path";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { ensureDirectory } from "./bare-repository.ts";
import type { ObjectId } from "./object-id.ts";

const oidPattern = /^[0-9a-f]{40}$/;

/**
 * Reads a ref of a bare repository: its own file, else the line that `git pack-refs` made of it.
 *
 * @returns `undefined` when it does not exist or its file is torn (empty, or not an object id).
 */
export function readRef(disk: Disk, repository: string, name: string): ObjectId | undefined {
  const path = `${repository}/${name}`;
  if (disk.lstat(path)?.kind === "file") {
    const text = disk.readFile(path).toString("latin1").trimEnd();
    return oidPattern.test(text) ? text : undefined;
  }
  const packed = `${repository}/packed-refs`;
  if (disk.lstat(packed)?.kind !== "file") return undefined;
  const line = disk
    .readFile(packed)
    .toString("utf8")
    .split("\n")
    .find((each) => each.endsWith(` ${name}`));
  const oid = line?.slice(0, 40);
  return oid !== undefined && oidPattern.test(oid) ? oid : undefined;
}

/**
 * Points a ref at an object, the way git does: the new value is written to `<ref>.lock` and renamed
 * into place. A crash leaves the old or the new value, or, when the write did not reach the disk, an
 * empty file: refs are derived from the journal and the packs and are rebuilt then.
 */
export function writeRef(disk: Disk, repository: string, name: string, oid: ObjectId): void {
  const path = `${repository}/${name}`;
  const lock = `${path}.lock`;
  ensureDirectory(disk, dirname(path));
  // Not O_EXCL: we hold the lock of the root, so a lock file left here is one of a dead process.
  const descriptor = disk.open(lock, openFlags.createOrTruncate, 0o644);
  try {
    disk.write(descriptor, Buffer.from(`${oid}\n`, "latin1"), 0);
  } finally {
    disk.close(descriptor);
  }
  disk.rename(lock, path);
}
