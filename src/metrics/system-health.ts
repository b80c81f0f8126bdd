import type { Alert } from "./alerts.ts";

/** How the system below a root does. */
export interface SystemHealth {
  /** What processes can still have, in bytes. */
  readonly memoryFreeBytes: number;
  /** What the file system of the root can still take, in bytes. */
  readonly diskFreeBytes: number;
  /** Whether an operation was cut off, and nobody has been at it for a while. */
  readonly isJournalStuck: boolean;
}

/**
 * The alerts that a system gives rise to. Pure.
 *
 * @param overlayBytesMax what one overlay may hold in memory, and then on the disk
 *   (`memory_limit`): there should be room for it.
 */
export function healthAlertsOf(health: SystemHealth, overlayBytesMax: number): Alert[] {
  const { memoryFreeBytes, diskFreeBytes, isJournalStuck } = health;
  const alerts: Alert[] = [];
  if (isJournalStuck) {
    alerts.push({
      id: "stuck_journal",
      ...warning,
      value: 1,
      threshold: 0,
      message:
        "An operation was cut off and is neither finished nor taken back. Run draftfs recover.",
    });
  }
  if (diskFreeBytes < overlayBytesMax) {
    alerts.push({
      id: "disk_space",
      ...warning,
      value: diskFreeBytes,
      threshold: overlayBytesMax,
      message:
        `The disk has ${mebibytes(diskFreeBytes)} left, less than an overlay may hold ` +
        `(${mebibytes(overlayBytesMax)}). Free some space, draftfs gc may help.`,
    });
  }
  if (memoryFreeBytes < overlayBytesMax) {
    alerts.push({
      id: "memory",
      ...warning,
      value: memoryFreeBytes,
      threshold: overlayBytesMax,
      message:
        `${mebibytes(memoryFreeBytes)} of memory are left, less than an overlay may hold ` +
        `(${mebibytes(overlayBytesMax)}). Lower memory_limit, so that it spills to the disk.`,
    });
  }
  return alerts;
}

const warning = { kind: "SystemHealthAlert", severity: "warning" } as const;

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024)} MiB`;
}
