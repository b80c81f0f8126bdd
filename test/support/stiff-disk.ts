import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";

/**
 * The real disk as an overlayfs would be of which lower layers hold every directory: none can be
 * renamed. For those who may not mount one, and for what is tried thousands of times.
 */
export class StiffDisk extends NodeDisk implements Disk {
  override rename(source: string, target: string): void {
    if (this.lstat(source)?.kind === "directory") {
      const message = `EXDEV: cross-device link not permitted, rename '${source}' -> '${target}'`;
      throw Object.assign(new Error(message), { code: "EXDEV", syscall: "rename", path: source });
    }
    super.rename(source, target);
  }

  override readFile(path: string): Buffer {
    if (path !== "/proc/self/mountinfo") return super.readFile(path);
    return Buffer.from("2 1 0:1 / / rw - overlay overlay rw\n");
  }
}
