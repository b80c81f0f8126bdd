import { createHash } from "node:crypto";
import type { Fs } from "./seed.ts";

/** Everything that `lstat` shows of every node but the time of its last access, and its content. */
export type Fingerprint = ReadonlyMap<string, string>;

/**
 * Takes the fingerprint of a tree. Every field counts, also inode numbers and change times: an
 * overlay that touched a lower file and put it back is caught.
 */
export function fingerprintOf(fs: Fs, root: string): Fingerprint {
  const found = new Map<string, string>();
  const visit = (path: Buffer) => {
    const stats = fs.lstatSync(path, { bigint: true });
    const { dev, ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs, blocks } = stats;
    const fields = { dev, ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs, blocks };
    let content = "";
    if (stats.isSymbolicLink()) content = fs.readlinkSync(path).toString();
    if (stats.isFile()) {
      content = createHash("sha1").update(fs.readFileSync(path)).digest("hex");
    }
    const shown = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
    found.set(path.toString("latin1"), [...shown, content].join(" "));
    if (!stats.isDirectory()) return;
    for (const name of fs.readdirSync(path, { encoding: "buffer" })) {
      visit(Buffer.concat([path, Buffer.from("/"), Buffer.from(name)]));
    }
  };
  visit(Buffer.from(root));
  return found;
}

/** What differs between two fingerprints, one line a path. */
export function changesBetween(before: Fingerprint, after: Fingerprint): string[] {
  const lines: string[] = [];
  for (const [path, fields] of before) {
    const now = after.get(path);
    if (now === undefined) lines.push(`${path}: gone`);
    else if (now !== fields) lines.push(`${path}: ${fields} -> ${now}`);
  }
  for (const path of after.keys()) if (!before.has(path)) lines.push(`${path}: appeared`);
  return lines;
}
