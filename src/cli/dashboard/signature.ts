import type { Disk } from "../../disk/disk.ts";

/** What changes when any of these paths does: a call of the system each, nothing is read. */
export function signatureOf(disk: Disk, paths: readonly string[]): string {
  return paths.map((path) => partOf(disk, path)).join("\n");
}

function partOf(disk: Disk, path: string): string {
  try {
    const found = disk.lstat(path);
    if (found === undefined) return "";
    const { dev, ino, mode, size, mtimeNs, ctimeNs } = found;
    return `${dev} ${ino} ${mode} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
