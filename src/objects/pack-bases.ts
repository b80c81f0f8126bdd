import { join } from "node:path";
import type { Disk } from "../disk/disk.ts";

/** The packs in an object directory, as the paths of their files without suffix. */
export function packBasesIn(disk: Disk, objects: string): string[] {
  const directory = join(objects, "pack");
  if (disk.lstat(directory) === undefined) return [];
  const names = disk.readdir(directory).map((entry) => entry.name);
  const packs = names.filter((name) => name.startsWith("pack-") && name.endsWith(".pack"));
  return packs.map((name) => join(directory, name.slice(0, -".pack".length)));
}
