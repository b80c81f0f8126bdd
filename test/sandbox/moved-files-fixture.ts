import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";
import type { Engine, SessionOptions } from "../../src/sandbox/session-options.ts";
import { scratchDirectory, withProject, writeFiles } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

/** Files with one name and several, in directories, and links. */
const files = {
  a: "alpha\n",
  b: "beta\n",
  c: "gamma\n",
  "d/a": "d's alpha\n",
  "d/b": "d's beta\n",
  "e/deep/a": "deep\n",
  kept: "kept\n",
};

/** Two directories that hold the same: in each of `0`, `1`, `2`… a small tree. */
export interface TwinTrees {
  /** What commands do to it, they do directly. */
  readonly direct: string;
  /** The root of an overlay. */
  readonly root: string;
}

export function makeTwinTrees(count: number): TwinTrees {
  const scratch = scratchDirectory();
  const [direct, root] = [join(scratch, "direct"), join(scratch, "root")];
  for (let index = 0; index < count; index++) {
    const tree = join(direct, `${index}`);
    fs.mkdirSync(tree, { recursive: true });
    writeFiles(tree, files);
    fs.linkSync(join(tree, "b"), join(tree, "d", "hard"));
    fs.symlinkSync("a", join(tree, "link"));
  }
  execFileSync("cp", ["-a", "--", direct, root]);
  return { direct, root };
}

/** What a session of an engine is opened with. */
export function sandboxOf(engine: Engine): SessionOptions {
  return engine === "clone" ? { engine, require: "cooperative" } : { engine, ...withProject };
}

export function openRoot({ root }: TwinTrees, engine: Engine): Promise<Overlay> {
  return openOverlay(root, { settle: "late", sandbox: sandboxOf(engine) });
}

/** Runs a script in both trees, in the small one with a number. */
export async function runInBoth(
  { direct }: TwinTrees,
  overlay: Overlay,
  script: string,
  index = 0,
): Promise<void> {
  const cwd = `${index}`;
  const plain = spawnSync("sh", ["-c", script], { cwd: join(direct, cwd), stdio: "ignore" });
  const { exitCode } = await overlay.run("sh", ["-c", script], { cwd, stdio: "ignore" });
  expect([script, exitCode]).toEqual([script, plain.status]);
}

/** All that lies in a tree but draftfs's own: bytes, modes, owners, names of one file. */
export function contentOf(tree: string): Record<string, string> {
  return snapshotOf(fs, tree, { ignore: [".draftfs"] });
}

/** The paths of each inode; its number alone may be another one's by now. */
export function inodesOf(tree: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of fs.readdirSync(tree, { recursive: true, encoding: "utf8" }).sort()) {
    if (name.startsWith(".draftfs")) continue;
    const { ino, birthtimeNs } = fs.lstatSync(join(tree, name), { bigint: true });
    const inode = `${ino} of ${birthtimeNs}`;
    found.set(inode, [...(found.get(inode) ?? []), name]);
  }
  return found;
}

/** Which inodes lie elsewhere than before, as `from -> to`. */
export function movedInodes(tree: string, before: ReadonlyMap<string, string[]>): string[] {
  return [...inodesOf(tree)]
    .flatMap(([inode, paths]) => {
      const were = before.get(inode);
      if (were === undefined) return [];
      return paths.filter((path) => !were.includes(path)).map((path) => `${were[0]} -> ${path}`);
    })
    .sort();
}

/** The renames that an overlay tells of, in the same form. */
export async function renamesIn(overlay: Overlay): Promise<string[]> {
  const { changes } = (await overlay.diff()).changeSet;
  return changes
    .flatMap((change) => (change.kind === "rename" ? [`${change.from} -> ${change.path}`] : []))
    .sort();
}
