import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { BlockDevice, blockDeviceObstacle, makeImage } from "../../test/support/block-device.ts";
import { describeFileSystem } from "./machine.ts";

/** Where to measure. */
export interface Place extends AsyncDisposable {
  readonly name: string;
  /** An empty directory to work in. */
  readonly directory: string;
  /** Switches the flush delay of the place on for the time that is measured. */
  measuring(isMeasuring: boolean): void;
  /** Flushes that reached the device so far; 0 where it cannot be known. */
  flushes(): number;
}

/** The machine's own disk, below the temporary directory. */
export function ownDisk(): Place {
  const directory = fs.mkdtempSync(join(os.tmpdir(), "draftfs-bench-"));
  return {
    name: `own disk (${describeFileSystem(directory)})`,
    directory,
    measuring: () => undefined,
    flushes: () => 0,
    async [Symbol.asyncDispose]() {
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A journalled ext4 in memory on which every flush takes so long. `undefined` without root. */
export async function simulatedDisk(
  flushDelayUs: number,
  size: { readonly mib?: number; readonly inodes?: number } = {},
): Promise<Place | undefined> {
  if (blockDeviceObstacle("ext4") !== undefined) return undefined;
  const workspace = fs.mkdtempSync("/dev/shm/draftfs-bench-");
  const image = join(workspace, "image");
  makeImage(image, "ext4", { mib: 1536, ...size });
  const device = await BlockDevice.open(image, { keep: true });
  // The device holds on to the image; should this process be killed, nothing of it stays.
  fs.rmSync(workspace, { recursive: true });
  device.mount("ext4");
  const directory = join(device.mountPath, "work");
  fs.mkdirSync(directory);
  return {
    name: `simulated ext4, flush ${flushDelayUs / 1000} ms`,
    directory,
    measuring: (isMeasuring) => device.setFlushDelay(isMeasuring ? flushDelayUs : 0),
    flushes: () => device.counters().flushes,
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}
