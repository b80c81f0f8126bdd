import type { Disk } from "./disk.ts";

/**
 * Closes a file or directory that was only read, or that is durable already: what closing says then
 * tells of nothing lost, and must not stand for the end of an operation. It is closed all the same
 * (close(2) of Linux).
 */
export function closeQuietly(disk: Disk, descriptor: number): void {
  try {
    disk.close(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
