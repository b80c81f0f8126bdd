import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { decodeName } from "./names.ts";
import { isWithin } from "./tree-path.ts";

/** One row of `/proc/<pid>/mountinfo`, as proc(5) describes it. */
export interface MountPoint {
  readonly id: number;
  readonly parent: number;
  /** Where it is mounted, absolute. */
  readonly path: string;
  /** Flags of this mount: `ro`, `nosuid`, `nodev`, `noexec`, `relatime`… */
  readonly flags: readonly string[];
  readonly fileSystem: string;
  /** What is mounted: a device, or a name that whoever mounted it has given. */
  readonly source: string;
}

/** The mounts that a process sees, in no particular order. */
export function readMountTable(pid: number | "self" = "self"): MountPoint[] {
  return parseMountTable(readFileSync(`/proc/${pid}/mountinfo`));
}

/** The rows of a `mountinfo`. */
export function parseMountTable(bytes: Buffer): MountPoint[] {
  return decodeName(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map(mountPointOf);
}

/**
 * The mounts that can be reached: none that another one covers, at its place or at a directory on
 * the way to it.
 */
export function visibleMounts(table: readonly MountPoint[]): MountPoint[] {
  const mountOf = new Map(table.map((mount) => [mount.id, mount]));
  const placesIn = new Map<number, Set<string>>();
  for (const { id, parent, path } of table) {
    if (id !== parent) placesIn.set(parent, (placesIn.get(parent) ?? new Set()).add(path));
  }
  const isReached = ({ id, parent, path }: MountPoint): boolean => {
    const around = id === parent ? undefined : mountOf.get(parent);
    if (around === undefined) return true;
    let directory = path;
    while (directory !== around.path && directory !== "/") {
      directory = dirname(directory);
      if (placesIn.get(parent)?.has(directory)) return false;
    }
    return isReached(around);
  };
  return table.filter((one) => !placesIn.get(one.id)?.has(one.path) && isReached(one));
}

/** Mounts that lie inside `directory` (not the one at the directory itself). */
export function mountsInside(table: readonly MountPoint[], directory: string): MountPoint[] {
  return visibleMounts(table).filter(
    (mount) => mount.path !== directory && isBelow(mount.path, directory),
  );
}

/**
 * The places below `directory` that lead out of the mount that shows it, in no particular order:
 * others may lie below these, or be covered.
 */
export function exitsBelow(table: readonly MountPoint[], directory: string): string[] {
  const showing = mountShowing(table, directory);
  return table
    .filter(({ parent, path }) => parent === showing?.id && isBelow(path, directory))
    .map(({ path }) => path)
    .filter((path) => path !== directory);
}

/** The mount that shows `directory`; `undefined` where the table does not tell. */
export function mountShowing(
  table: readonly MountPoint[],
  directory: string,
): MountPoint | undefined {
  const ids = new Set(table.map(({ id }) => id));
  let showing = uppermost(
    table.filter(({ parent }) => !ids.has(parent)),
    directory,
  );
  for (let next = showing; next !== undefined; ) {
    showing = next;
    const inside = table.filter(({ parent, id }) => parent === showing?.id && id !== parent);
    next = uppermost(inside, directory);
  }
  return showing;
}

/** Of mounts in one place, the first on the way to `directory`: what it holds covers the others. */
function uppermost(mounts: readonly MountPoint[], directory: string): MountPoint | undefined {
  return mounts
    .filter(({ path }) => isBelow(directory, path))
    .toSorted((a, b) => a.path.length - b.path.length)[0];
}

/** Whether an absolute path is `directory` or lies below it. */
export function isBelow(path: string, directory: string): boolean {
  return directory === "/" || isWithin(path, directory);
}

function mountPointOf(line: string): MountPoint {
  const fields = line.split(" ");
  const separator = fields.indexOf("-");
  return {
    id: Number(fields[0]),
    parent: Number(fields[1]),
    path: unescapeOctal(fields[4] ?? ""),
    flags: (fields[5] ?? "").split(","),
    fileSystem: fields[separator + 1] ?? "",
    source: unescapeOctal(fields[separator + 2] ?? ""),
  };
}

/** The kernel writes blank, tab, newline and backslash as `\ooo`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
