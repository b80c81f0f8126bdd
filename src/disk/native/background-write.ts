import fs from "node:fs";
import { promisify } from "node:util";
import { nativeCalls } from "./native-calls.ts";

/**
 * pwrite(2) of all bytes on a thread. Where there are native calls they are on their way to the
 * device then, so that an fsync that comes later finds less to wait for.
 */
export async function writeInBackground(
  descriptor: number,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const length = bytes.length - written;
    const done = await write(descriptor, bytes, written, length, position + written);
    written += done.bytesWritten;
  }
  await nativeCalls(writingSavingUs)?.beginWriting?.(descriptor, position, bytes.length);
}

/** What a later fsync waits less for a MiB, on a disk that writes one in a millisecond. */
const writingSavingUs = 1_000;

const write = promisify(fs.write);
