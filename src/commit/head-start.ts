import { availableParallelism } from "node:os";

const isCrowded = availableParallelism() <= 4;
/** In milliseconds: about what a small write takes to its device, through the kernel's threads. */
const headStartMs = 0.1;
const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Leaves the processor to those who bring to the device what was just handed over, where there are
 * few: the threads of libuv and of the kernel that take turns at it would wait for the work that we
 * do in the meantime, each of them anew, and the device with them. Measured on two processors: half
 * a millisecond of the two that such a wait took.
 */
export function giveHeadStart(): void {
  if (!isCrowded) return;
  try {
    Atomics.wait(cell, 0, 0, headStartMs);
  } catch {
    // Some threads of browsers may not wait. It is a courtesy.
  }
}
