import { constants } from "node:os";
import type { FuseBackend } from "./backend.ts";

/** Size of the blocks in which a full tree counts its room, in bytes. */
const blockBytes = 4096;

/**
 * Bounds the bytes that are written to a served tree. What is written is added up; what it replaced
 * or was removed is found out when the bound is reached, by `countBytes`.
 *
 * @param countBytes bytes that are pending now; in time proportional to what is pending.
 */
export function boundedBackend(
  backend: FuseBackend,
  bytesMax: number,
  countBytes: () => number,
): FuseBackend {
  let usedBytes = 0;
  return {
    ...backend,
    write: (descriptor, bytes, position) => {
      if (usedBytes + bytes.length > bytesMax) usedBytes = countBytes();
      if (usedBytes + bytes.length > bytesMax) throw noSpace();
      backend.write(descriptor, bytes, position);
      usedBytes += bytes.length;
    },
    space: () => {
      // Asked for after every command: while there is plenty, what is added up is near enough.
      if (usedBytes > bytesMax / 2) usedBytes = countBytes();
      const free = BigInt(Math.floor(Math.max(0, bytesMax - usedBytes) / blockBytes));
      const blocks = BigInt(Math.floor(bytesMax / blockBytes));
      return { ...backend.space(), blockBytes, blocks, free, available: free };
    },
  };
}

function noSpace(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
    errno: -constants.errno.ENOSPC,
  });
}
