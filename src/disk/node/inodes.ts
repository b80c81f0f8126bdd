import { dirname } from "node:path";
import { NodeDisk } from "./node-disk.ts";

/** Whether it is for want of inodes alone that nothing more can be made at an absolute path. */
export function lacksInodes(path: string): boolean {
  const disk = new NodeDisk();
  for (let place = path; ; place = dirname(place)) {
    try {
      return disk.freeFiles(place) === 0 && disk.freeBytes(place) > 0;
    } catch {
      // Not there: what lies above it is asked.
      if (place === dirname(place)) return false;
    }
  }
}
