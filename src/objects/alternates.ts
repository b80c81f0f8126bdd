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

/** A path that git has quoted as a string of C, in which octal numbers stand for bytes. */
function unquoted(line: string): string {
  const bytes = Buffer.from(line.replace(/^"|"$/g, "")).toString("latin1");
  const meant = bytes.replace(/\\([0-3][0-7]{2}|.)/gs, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
  );
  return Buffer.from(meant, "latin1").toString("utf8");
}

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\u000b",
};
