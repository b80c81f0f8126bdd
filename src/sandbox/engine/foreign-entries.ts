import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Entries of the root that are looked at; the whole tree takes too long. */
const sampledEntriesMax = 500;

/**
 * Names at the top of a tree that belong to another user or group than this
 * process. What lies deeper is not looked at.
 */
export function foreignEntries(root: string): string[] {
  const names = readdirSync(root).slice(0, sampledEntriesMax);
  return names.filter((name) => {
    const stats = lstatSync(join(root, name), { throwIfNoEntry: false });
    if (stats === undefined) return false;
    return stats.uid !== process.geteuid?.() || stats.gid !== process.getegid?.();
  });
}
