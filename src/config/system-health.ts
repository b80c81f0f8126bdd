import { freemem } from "node:os";
import { isJournalStuck } from "../commit/recover/stuck-journal.ts";
import type { Disk } from "../disk/disk.ts";
import { stateDirectoryOf } from "../disk/state/state-directory.ts";
import type { SystemHealth } from "../metrics/system-health.ts";

/**
 * Looks at memory, and at disk and journal of a root; what cannot be looked at, such as a root that
 * is gone, is taken for well.
 *
 * @param isStuck looks at the journal, which may take reading it.
 */
export function readSystemHealth(
  disk: Disk,
  root: string,
  nowMs: number,
  isStuck = () => isJournalStuck(disk, stateDirectoryOf(root), nowMs),
): SystemHealth {
  const orWell = <Value>(read: () => Value, well: Value): Value => {
    try {
      return read();
    } catch {
      return well;
    }
  };
  return {
    memoryFreeBytes: freemem(),
    diskFreeBytes: orWell(() => disk.freeBytes(root), Number.POSITIVE_INFINITY),
    isJournalStuck: orWell(isStuck, false),
  };
}
