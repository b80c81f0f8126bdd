import { dirname, relative, sep } from "node:path";
import type { Disk } from "../disk/disk.ts";

/** Whether a link leads to the directory of a file of measurements, or it was never inside. */
export function leadsOutside(disk: Disk, root: string, path: string): boolean {
  const names = relative(root, dirname(path)).split(sep);
  if (names[0] === "..") return true;
  let directory = root;
  for (const name of names) {
    if (name === "") break;
    directory = `${directory}${sep}${name}`;
    if (disk.lstat(directory)?.kind === "symlink") return true;
  }
  return false;
}
