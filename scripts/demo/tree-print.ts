import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";

/** What lies at a path, as text: kind, permission bits, and the hash of the bytes or the target. */
export type TreePrint = ReadonlyMap<string, string>;

/** Describes every node below `root`, paths in `leftOut` excepted; times are not part of it. */
export function printOfTree(root: string, leftOut: ReadonlySet<string> = new Set()): TreePrint {
  const print = new Map<string, string>();
  visit("");
  return print;

  function visit(directory: string): void {
    const names = fs.readdirSync(join(root, directory)).sort();
    for (const name of names) {
      const path = directory === "" ? name : `${directory}/${name}`;
      if (leftOut.has(path)) continue;
      const absolute = join(root, path);
      const stats = fs.lstatSync(absolute);
      const mode = (stats.mode & 0o7777).toString(8);
      if (stats.isDirectory()) {
        print.set(path, `directory ${mode}`);
        visit(path);
      } else if (stats.isSymbolicLink()) {
        print.set(path, `symlink ${fs.readlinkSync(absolute)}`);
      } else {
        const hash = createHash("sha256").update(fs.readFileSync(absolute)).digest("hex");
        print.set(path, `file ${mode} ${stats.size} ${hash}`);
      }
    }
  }
}

/** Paths at which two trees differ. */
export function differences(left: TreePrint, right: TreePrint): string[] {
  const paths = new Set([...left.keys(), ...right.keys()]);
  return [...paths].filter((path) => left.get(path) !== right.get(path)).sort();
}
