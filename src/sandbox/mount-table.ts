import { readFileSync } from "node:fs";
import { decodeName } from "../disk/names.ts";
import { isWithin } from "../disk/tree-path.ts";

/** One row of `/proc/<pid>/mountinfo`, as proc(5) describes it. */
export interface MountPoint {
  readonly id: number;
  readonly parent: number;
  /** Where it is mounted, absolute. */
  readonly path: string;
  /** Flags of this mount: `ro`, `nosuid`, `nodev`, `noexec`, `relatime`… */
  readonly flags: readonly string[];
  readonly fileSystem: string;
}

/** The mounts that a process sees, in no particular order. */
export function readMountTable(pid: number | "self" = "self"): MountPoint[] {
  const text = decodeName(readFileSync(`/proc/${pid}/mountinfo`));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(mountPointOf);
}

/** The mounts that can be reached: of several at one path, only the uppermost shows. */
export function visibleMounts(table: readonly MountPoint[]): MountPoint[] {
  const covered = new Set<number>();
  const pathOf = new Map(table.map((mount) => [mount.id, mount.path]));
  for (const { parent, path } of table) if (pathOf.get(parent) === path) covered.add(parent);
  return table.filter(({ id }) => !covered.has(id));
}

/** Mounts that lie inside `directory` (not the one at the directory itself). */
export function mountsInside(table: readonly MountPoint[], directory: string): MountPoint[] {
  return visibleMounts(table).filter(
    (mount) => mount.path !== directory && isBelow(mount.path, directory),
  );
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
  };
}

/** The kernel writes blank, tab, newline and backslash as `\ooo`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
