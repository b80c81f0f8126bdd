import { writeSync } from "node:fs";

/**
 * Sends a message to the kernel. A reply to a request that was interrupted meanwhile is refused
 * with ENOENT, which is no fault; one about a node or a name that the kernel does not know any more
 * is as well.
 */
export function writeMessage(device: number, message: Uint8Array): void {
  try {
    writeSync(device, message);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENODEV") throw error;
  }
}
