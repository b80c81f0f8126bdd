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
    const stats = readable(() => fs.lstatSync(path, { bigint: true }), undefined);
    if (!stats) return;
    const { dev, ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs, blocks } = stats;
    const fields = { dev, ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs, blocks };
    let content = "";
    if (stats.isSymbolicLink()) content = fs.readlinkSync(path).toString();
    if (stats.isFile()) content = readable(() => digestOf(fs.readFileSync(path)), "unreadable");
    const shown = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
    found.set(path.toString("latin1"), [...shown, content].join(" "));
    if (!stats.isDirectory()) return;
    for (const name of readable(() => fs.readdirSync(path, { encoding: "buffer" }), [])) {
      visit(Buffer.concat([path, Buffer.from("/"), Buffer.from(name)]));
    }
  };
  visit(Buffer.from(root));
  return found;
}

function digestOf(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}

/** What a user without privileges may not see is left out; its directory's stats still count. */
function readable<T, Otherwise>(read: () => T, otherwise: Otherwise): T | Otherwise {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return otherwise;
    throw error;
  }
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
