import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";

/** What lies at each path of a tree, as one line each; two trees are equal when their lines are. */
export type TreeState = ReadonlyMap<string, string>;

/** Looks at everything below `root` but the state directory. */
export function treeStateOf(root: string): TreeState {
  const state = new Map<string, string>();
  visit(root, "", state, new Map());
  return state;
}

function visit(
  root: string,
  directory: string,
  state: Map<string, string>,
  /** The first name of every file that has more than one, by inode number. */
  firstNames: Map<number, string>,
): void {
  for (const name of fs.readdirSync(join(root, directory)).sort()) {
    if (directory === "" && name === ".draftfs") continue;
    const path = directory === "" ? name : `${directory}/${name}`;
    const absolute = join(root, path);
    const stats = fs.lstatSync(absolute);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) {
      state.set(path, `symlink ${fs.readlinkSync(absolute)}`);
    } else if (stats.isDirectory()) {
      state.set(path, `directory ${mode}`);
      visit(root, path, state, firstNames);
    } else {
      const digest = createHash("sha1").update(fs.readFileSync(absolute)).digest("hex");
      const firstName = firstNames.get(stats.ino);
      if (stats.nlink > 1 && firstName === undefined) firstNames.set(stats.ino, path);
      const link = stats.nlink > 1 ? ` link ${firstName ?? path}` : "";
      state.set(path, `file ${mode} ${stats.size === 0 ? "empty" : digest}${link}`);
    }
  }
}

/** The paths in which two states differ, with both sides. */
export function differenceOf(actual: TreeState, expected: TreeState): string[] {
  const paths = new Set([...actual.keys(), ...expected.keys()]);
  return [...paths]
    .filter((path) => actual.get(path) !== expected.get(path))
    .map(
      (path) => `${path}: ${actual.get(path) ?? "absent"}, not ${expected.get(path) ?? "absent"}`,
    );
}

export function isSameState(left: TreeState, right: TreeState): boolean {
  return left.size === right.size && differenceOf(left, right).length === 0;
}
