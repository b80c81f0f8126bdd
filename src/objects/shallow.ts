import type { Disk } from "../disk/disk.ts";
import { ensureBareRepository } from "./bare-repository.ts";
import type { ObjectId } from "./object-id.ts";
import { writeDurably } from "./write-durably.ts";

/**
 * The commits whose parents have been pruned, in git's own way of saying so: one id a line in the
 * file `shallow`. With it git takes them for roots, and the history stays whole to it.
 */
export function readShallow(disk: Disk, repository: string): Set<ObjectId> {
  const path = `${repository}/shallow`;
  if (disk.lstat(path) === undefined) return new Set();
  const lines = disk.readFile(path).toString("latin1").split("\n");
  return new Set(lines.filter((line) => /^[0-9a-f]{40}$/.test(line)));
}

/** Replaces the list, durably: what it cuts off may be removed afterwards. */
export async function writeShallow(
  disk: Disk,
  repository: string,
  boundary: Iterable<ObjectId>,
): Promise<void> {
  ensureBareRepository(disk, repository);
  const lines = [...boundary].sort().map((oid) => `${oid}\n`);
  await writeDurably(disk, `${repository}/shallow`, Buffer.from(lines.join("")), 0o644);
}
