import fs from "node:fs";
import os from "node:os";

/**
 * A directory in memory, where the system has one: for tests that make hundreds of trees. Elsewhere
 * the ordinary place for temporary files.
 */
export function memoryDirectory(): string {
  const inMemory = "/dev/shm";
  try {
    fs.accessSync(inMemory, fs.constants.W_OK);
    return inMemory;
  } catch {
    return os.tmpdir();
  }
}
