import { NodeDisk } from "../../src/disk/node/node-disk.ts";

/** The real disk as a FAT file system would be: without hard links, and without symbolic ones. */
export class LinklessDisk extends NodeDisk {
  override link(source: string, target: string): void {
    throw refusal("link", source, target);
  }

  override symlink(target: string, path: string): void {
    throw refusal("symlink", target, path);
  }
}

function refusal(syscall: string, path: string, dest: string): Error {
  const message = `EPERM: operation not permitted, ${syscall} '${path}' -> '${dest}'`;
  return Object.assign(new Error(message), { code: "EPERM", syscall, path, dest });
}
