import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";

/**
 * Where trees to read from are made: in memory where there is such a place, which is the harshest
 * baseline and does not measure a disk.
 */
export function benchPlace(): string {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}
