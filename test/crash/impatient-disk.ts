import { NodeDisk } from "../../src/disk/node/node-disk.ts";

/** Kept from waiting for the device: it is processes that die here, not the power. */
export class ImpatientDisk extends NodeDisk {
  override async fsync(): Promise<void> {}
  override async fdatasync(): Promise<void> {}

  override async syncfs(): Promise<boolean> {
    return true;
  }
}
