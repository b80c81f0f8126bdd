import { createHash } from "node:crypto";
import fs from "node:fs";
import { decodeName } from "../../src/disk/names.ts";

/** What lies at a path, in one line that compares well. */
export type TreeLines = Readonly<Record<string, string>>;

/** What of a tree is compared. */
export interface TreeReading {
  /** Times of files and links, to the microsecond. Off by default. */
  readonly times?: boolean;
  /** Times of directories that were set on purpose, which in tests are long ago. Off by default. */
  readonly directoryTimes?: boolean;
}

/** Directories whose times nobody has set have later ones. */
const longAgoNs = 1_650_000_000_000_000_000n;

/** The whole tree below `root` but our own state: kinds, modes, owners, bytes, hard links. */
export function readTree(root: string, reading: TreeReading = {}): TreeLines {
  const lines: Record<string, string> = {};
  const names = new Map<string, string>();
  visit(Buffer.from(root), "");
  return lines;

  function visit(directory: Buffer, path: string): void {
    for (const bytes of fs.readdirSync(directory, { encoding: "buffer" }).sort(Buffer.compare)) {
      const name = decodeName(bytes);
      if (path === "" && name === ".draftfs") continue;
      const place = Buffer.concat([directory, Buffer.from("/"), bytes]);
      const at = path === "" ? name : `${path}/${name}`;
      const stats = fs.lstatSync(place, { bigint: true });
      const mode = (Number(stats.mode) & 0o7777).toString(8);
      const isDated = stats.isDirectory()
        ? reading.directoryTimes && stats.mtimeNs < longAgoNs
        : reading.times;
      const time = isDated ? ` @${stats.mtimeNs / 1000n}` : "";
      const meta = `${mode} ${stats.uid}:${stats.gid}${time}`;
      if (stats.isDirectory()) {
        lines[at] = `directory ${meta}`;
        visit(place, at);
      } else if (stats.isSymbolicLink()) {
        lines[at] = `link ${stats.uid}:${stats.gid}${time} -> ${targetOf(place)}`;
      } else if (stats.isFile()) {
        const first = names.get(String(stats.ino));
        if (first === undefined) names.set(String(stats.ino), at);
        const group = first === undefined ? "" : ` = ${first}`;
        lines[at] = `file ${meta} ${digest(fs.readFileSync(place))}${group}`;
      } else {
        lines[at] = `other ${meta}`;
      }
    }
  }
}

function targetOf(place: Buffer): string {
  return decodeName(fs.readlinkSync(place, { encoding: "buffer" }));
}

function digest(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  if (bytes.length <= 40 && /^[\x20-\x7e\n]*$/.test(text)) return JSON.stringify(text);
  return `${bytes.length} ${createHash("sha1").update(bytes).digest("hex").slice(0, 12)}`;
}
