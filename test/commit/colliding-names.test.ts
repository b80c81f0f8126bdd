import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree } from "./tree.ts";

/** Takes names for the same as some file systems do. */
type Folding = (name: string) => string;

const foldings: Readonly<Record<string, Folding>> = {
  case: (name) => name.toLowerCase(),
  forms: (name) => name.normalize("NFC"),
};

/** The real disk as one that folds names in a directory and below. */
function foldingDisk(below: string, folding: Folding): Disk {
  const fold = (path: unknown): unknown => {
    if (typeof path !== "string") return path;
    const open = /^\/proc\/self\/fd\/\d+/.exec(path)?.[0];
    const real = open === undefined ? path : fs.readlinkSync(open) + path.slice(open.length);
    return real.startsWith(`${below}/`) ? below + folding(real.slice(below.length)) : path;
  };
  return new Proxy(new NodeDisk(), {
    get(disk, name) {
      const value: unknown = Reflect.get(disk, name, disk);
      // Native calls would not go by way of it.
      if (name === "createInBackground" || name === "attributes") return undefined;
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => value.apply(disk, name === "write" ? given : given.map(fold));
    },
  });
}

function commit(root: string, disk: Disk, paths: readonly string[]) {
  const builder = new ChangeBuilder(root);
  for (const path of paths) {
    if (path.endsWith("/")) builder.createDirectory(path.slice(0, -1));
    else builder.create(path, `${path}\n`);
  }
  return commitChangeSet(openCommitStore(disk, stateDirectoryOf(root)), builder.build());
}

const pairs: readonly [string, keyof typeof foldings, readonly string[], string][] = [
  ["in the root", "case", ["ReadMe", "Readme"], "Readme"],
  ["in a directory", "case", ["held/A", "held/a"], "held/a"],
  ["in an empty directory", "case", ["empty/A", "empty/a"], "empty/a"],
  ["in a new directory", "case", ["new/", "new/A", "new/a"], "new/a"],
  ["of directories", "case", ["Source/", "source/", "Source/x", "source/x"], "source"],
  ["in two normal forms", "forms", ["\u00e9", "e\u0301"], "\u00e9"],
];

test.each(pairs)(
  "names %s that the disk does not tell apart by %s are refused",
  async (_, by, paths, at) => {
    using root = TemporaryRoot.inMemory();
    fs.mkdirSync(join(root.path, "held"));
    fs.writeFileSync(join(root.path, "held/file"), "");
    fs.mkdirSync(join(root.path, "empty"));
    const before = readTree(root.path);
    const disk = foldingDisk(root.path, foldings[by] as Folding);
    await expect(commit(root.path, disk, paths)).rejects.toMatchObject({
      code: "DRAFT_CHECK_FAILED",
      path: at,
      details: { level: "operation_failure", findings: [{ check: "names" }] },
    });
    expect(readTree(root.path)).toEqual(before);
    expect(fs.readdirSync(join(root.path, ".draftfs/staging"))).toEqual([]);

    await commit(root.path, new NodeDisk(), paths);
    for (const path of paths) expect(fs.existsSync(join(root.path, path)), path).toBe(true);
  },
);

test("names in a directory that tells case apart are no matter on a disk that elsewhere does not", async () => {
  using root = TemporaryRoot.inMemory();
  fs.mkdirSync(join(root.path, "folds"));
  fs.mkdirSync(join(root.path, "tells"));
  for (const name of ["folds/held", "tells/held"]) fs.writeFileSync(join(root.path, name), "");
  const disk = foldingDisk(join(root.path, "folds"), foldings["case"] as Folding);
  await expect(commit(root.path, disk, ["folds/A", "folds/a"])).rejects.toMatchObject({
    path: "folds/a",
  });
  await commit(root.path, disk, ["tells/A", "tells/a"]);
  expect(fs.readdirSync(join(root.path, "tells")).sort()).toEqual(["A", "a", "held"]);
});
