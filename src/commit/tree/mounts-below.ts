import type { Disk } from "../../disk/disk.ts";
import { exitsBelow, mountShowing, parseMountTable } from "../../disk/mount-table.ts";
import type { TreePath } from "../../disk/tree-path.ts";

const none: ReadonlySet<TreePath> = new Set();

/**
 * The places in a root that something is mounted on; none where the system does not tell. What is
 * mounted need not have another device number: a bind mount or a container's volume may not.
 */
export function mountsBelow(disk: Disk, root: string): ReadonlySet<TreePath> {
  const table = readTable(disk);
  const inside = root === "/" ? root : `${root}/`;
  // Most roots have none, and a table can have thousands of rows. Odd names are written otherwise.
  if (table === undefined || (/^[\w./@+-]*$/.test(root) && !table.includes(inside))) return none;
  const exits = exitsBelow(parseMountTable(table), root);
  return new Set(exits.map((path) => path.slice(inside.length)));
}

/** The type of the file system that shows a root, as mount(8) has it, where the system tells. */
export function fileSystemOf(disk: Disk, root: string): string | undefined {
  const table = readTable(disk);
  return table && mountShowing(parseMountTable(table), root)?.fileSystem;
}

function readTable(disk: Disk): Buffer | undefined {
  try {
    return disk.readFile("/proc/self/mountinfo");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}
