import { isAbsolute, resolve } from "node:path";
import type { Disk } from "../disk/disk.ts";

/** How far git follows alternates of alternates. */
const depthMax = 5;

/** Directories with objects that belong to a repository beside its own. */
export interface Alternates {
  readonly directories: readonly string[];
  /** Those that are named and not there. */
  readonly missing: readonly string[];
}

/**
 * The object directories that `info/alternates` of an object directory names, and those that these
 * name in turn: of a `git clone --shared` or `--reference`.
 */
export function alternatesOf(disk: Disk, objects: string): Alternates {
  const found = new Set<string>();
  const missing = new Set<string>();
  const follow = (from: string, depth: number): void => {
    for (const directory of namedIn(disk, from)) {
      if (directory === objects || found.has(directory)) continue;
      if (disk.lstat(`${directory}/.`)?.kind !== "directory") missing.add(directory);
      else {
        found.add(directory);
        if (depth < depthMax) follow(directory, depth + 1);
      }
    }
  };
  follow(objects, 1);
  return { directories: [...found], missing: [...missing] };
}

function namedIn(disk: Disk, objects: string): string[] {
  const path = `${objects}/info/alternates`;
  if (disk.lstat(path)?.kind !== "file") return [];
  const lines = disk.readFile(path).toString("utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => (line.startsWith('"') ? unquoted(line) : line))
    .map((line) => (isAbsolute(line) ? line : resolve(objects, line)));
}

/** A path that git has quoted as a string of C. */
function unquoted(line: string): string {
  const inner = line.replace(/^"|"$/g, "");
  return inner.replace(/\\(["\\])/g, "$1");
}
