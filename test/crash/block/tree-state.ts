import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";

/** What lies at each path of a tree, as one line each; two trees are equal when their lines are. */
export type TreeState = ReadonlyMap<string, string>;

/** Looks at everything below `root` but the state directory. */
export function treeStateOf(root: string): TreeState {
  const state = new Map<string, string>();
  visit(root, "", state);
  return state;
}

function visit(root: string, directory: string, state: Map<string, string>): void {
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
      visit(root, path, state);
    } else {
      const digest = createHash("sha1").update(fs.readFileSync(absolute)).digest("hex");
      state.set(path, `file ${mode} ${stats.size === 0 ? "empty" : digest}`);
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
