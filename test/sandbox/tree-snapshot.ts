import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { join } from "node:path";

/** The part of `node:fs` that a snapshot needs; the real one and a layer's both have it. */
export interface ReadableFs {
  readdirSync(path: string): unknown;
  lstatSync(path: string, options: { bigint: true }): unknown;
  readlinkSync(path: string): unknown;
  readFileSync(path: string): unknown;
}

export interface SnapshotOptions {
  /** Names at the top that do not count. */
  readonly ignore?: readonly string[];
  /** Paths whose modification time counts, to the microsecond. */
  readonly times?: (path: string) => boolean;
  /** Whether modification and change times of everything count, to the nanosecond. */
  readonly exactTimes?: boolean;
}

/** One line a node: type, mode, owner, links, content. Two equal snapshots are two equal trees. */
export function snapshotOf(
  fs: ReadableFs,
  root: string,
  options: SnapshotOptions = {},
): Record<string, string> {
  const lines: Record<string, string> = {};
  const groups = new Map<string, string>();
  const visit = (path: string): void => {
    const place = path === "" ? root : join(root, path);
    const stats = fs.lstatSync(place, { bigint: true }) as BigIntStats;
    const parts = [kindOf(stats), `${stats.uid}:${stats.gid}`];
    if (!stats.isSymbolicLink()) parts.push((Number(stats.mode) & 0o7777).toString(8));
    if (stats.isFile()) {
      const bytes = fs.readFileSync(place) as Buffer;
      parts.push(`${stats.size}`, createHash("sha1").update(bytes).digest("hex").slice(0, 12));
      if (stats.nlink > 1n) {
        const key = `${stats.dev}:${stats.ino}`;
        if (!groups.has(key)) groups.set(key, path);
        parts.push(`links=${stats.nlink} of ${groups.get(key)}`);
      }
    }
    if (stats.isSymbolicLink()) parts.push(`-> ${String(fs.readlinkSync(place))}`);
    if (options.exactTimes === true) parts.push(`${stats.mtimeNs} ${stats.ctimeNs}`);
    else if (options.times?.(path) === true) parts.push(`${stats.mtimeNs / 1000n}us`);
    lines[path === "" ? "." : path] = parts.join(" ");
    if (!stats.isDirectory()) return;
    for (const name of (fs.readdirSync(place) as string[]).sort()) {
      if (path === "" && options.ignore?.includes(name) === true) continue;
      visit(path === "" ? name : `${path}/${name}`);
    }
  };
  visit("");
  return lines;
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "dir";
  if (stats.isSymbolicLink()) return "link";
  return "other";
}
