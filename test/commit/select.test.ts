import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { globMatcher } from "../../src/commit/change-set/glob.ts";
import { type Selection, selectChanges } from "../../src/commit/change-set/select.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { TemporaryRoot } from "./scenario.ts";

/** The paths that a selection takes of what `change` does to the tree that `make` makes. */
function selected(
  make: (at: (path: string) => string) => void,
  change: (layerFs: typeof fs, at: (path: string) => string) => void,
  selection: Selection,
): string[] {
  using root = TemporaryRoot.inMemory();
  const at = (path: string): string => join(root.path, path);
  make(at);
  const layer = openLayer({ root: root.path });
  try {
    change(layer.fs as unknown as typeof fs, at);
    return pathsOf(selectChanges(diffLayer(layer), selection));
  } finally {
    layer.close();
  }
}

function pathsOf({ changes }: ChangeSet): string[] {
  return changes.map(({ kind, path }) => `${kind} ${path}`);
}

test("everything is meant without patterns, nothing with an empty list of them", () => {
  const change = (layerFs: typeof fs, at: (path: string) => string): void => {
    layerFs.writeFileSync(at("a"), "");
    layerFs.writeFileSync(at("b"), "");
  };
  expect(selected(() => undefined, change, {})).toEqual(["create a", "create b"]);
  expect(selected(() => undefined, change, { include: [] })).toEqual([]);
  expect(selected(() => undefined, change, { include: ["nowhere"] })).toEqual([]);
  expect(selected(() => undefined, change, { exclude: ["a"] })).toEqual(["create b"]);
  expect(selected(() => undefined, change, { include: ["a"], exclude: ["*"] })).toEqual([]);
});

test("patterns: a name anywhere, a path from the root, and all that is in a directory", () => {
  const matches = (pattern: string, path: string): boolean => globMatcher([pattern])(path);
  expect(matches("*.ts", "deep/in/file.ts")).toBe(true);
  expect(matches("/*.ts", "deep/file.ts")).toBe(false);
  expect(matches("./*.ts", "file.ts")).toBe(true);
  expect(matches("./*.ts", "deep/file.ts")).toBe(false);
  expect(matches("build", "a/build/out/x")).toBe(true);
  expect(matches("build/", "build/x")).toBe(true);
  expect(matches("src/build", "a/src/build")).toBe(false);
  expect(matches("src/**", "src/.hidden")).toBe(true);
  expect(matches("src/*", "src")).toBe(false);
  expect(matches(".", "deep/file")).toBe(true);
  expect(matches("./", "deep/file")).toBe(true);
  expect(matches("/", "deep/file")).toBe(true);
  expect(matches("[", "[")).toBe(true);
  expect(matches("a\\*b", "a*b")).toBe(true);
  expect(matches("a\\*b", "axb")).toBe(false);
  expect(matches("", "anything")).toBe(false);
  expect(matches("new\nline", "x/new\nline")).toBe(true);
  expect(matches("ü", "u\u0308")).toBe(false);
});

test("a new file brings the new directories above it, not its neighbours", () => {
  const paths = selected(
    () => undefined,
    (layerFs, at) => {
      layerFs.mkdirSync(at("new/deep"), { recursive: true });
      layerFs.writeFileSync(at("new/deep/file"), "");
      layerFs.writeFileSync(at("new/deep/other"), "");
    },
    { include: ["/new/deep/file"], exclude: ["/new"] },
  );
  expect(paths).toEqual([]);
  const included = selected(
    () => undefined,
    (layerFs, at) => {
      layerFs.mkdirSync(at("new/deep"), { recursive: true });
      layerFs.writeFileSync(at("new/deep/file"), "");
      layerFs.writeFileSync(at("new/deep/other"), "");
    },
    { include: ["/new/deep/file"] },
  );
  expect(included).toEqual(["create new", "create new/deep", "create new/deep/file"]);
});

test("a deleted directory brings what has to leave it, also by a rename", () => {
  const make = (at: (path: string) => string): void => {
    fs.mkdirSync(at("old/deep"), { recursive: true });
    fs.writeFileSync(at("old/deep/moves"), "moves");
    fs.writeFileSync(at("old/goes"), "goes");
    fs.writeFileSync(at("else"), "else");
  };
  const change = (layerFs: typeof fs, at: (path: string) => string): void => {
    layerFs.renameSync(at("old/deep/moves"), at("moved"));
    layerFs.rmSync(at("old"), { recursive: true });
    layerFs.unlinkSync(at("else"));
  };
  const wanted = ["rename moved", "delete old", "delete old/deep", "delete old/goes"];
  expect(selected(make, change, { include: ["/old"] }).sort()).toEqual([...wanted].sort());
  const glob = selected(make, change, { include: ["{old,nothing}"], exclude: ["goes"] });
  expect(glob.sort()).toEqual([...wanted].sort());
});

test("a rename is meant by its old path and by its new one", () => {
  const make = (at: (path: string) => string): void => fs.writeFileSync(at("old"), "x");
  const change = (layerFs: typeof fs, at: (path: string) => string): void =>
    layerFs.renameSync(at("old"), at("new"));
  for (const path of ["old", "new"]) {
    expect(selected(make, change, { include: [path] })).toEqual(["rename new"]);
  }
});

test("one name of a new hard link brings the others", () => {
  const paths = selected(
    () => undefined,
    (layerFs, at) => {
      layerFs.mkdirSync(at("far"));
      layerFs.writeFileSync(at("one"), "x");
      layerFs.linkSync(at("one"), at("far/two"));
    },
    { include: ["one"] },
  );
  expect(paths).toEqual(["create far", "create far/two", "create one"]);
});

test("what takes a place brings the change that makes room there", () => {
  const make = (at: (path: string) => string): void => {
    fs.writeFileSync(at("a"), "a");
    fs.mkdirSync(at("d"));
    fs.writeFileSync(at("d/x"), "x");
  };
  const swapped = selected(
    make,
    (layerFs, at) => {
      layerFs.renameSync(at("a"), at("b"));
      layerFs.writeFileSync(at("a"), "another");
    },
    { include: ["/a"] },
  );
  expect(swapped).toEqual(["create a", "rename b"]);
  const retyped = selected(
    make,
    (layerFs, at) => {
      layerFs.rmSync(at("d"), { recursive: true });
      layerFs.writeFileSync(at("d"), "a file");
    },
    { include: ["/d"], exclude: ["x"] },
  );
  expect(retyped).toEqual(["modify d", "delete d/x"]);
});

test("a directory that becomes a second name of a written file is committed with it", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string): string => join(root.path, path);
  fs.mkdirSync(at("a"));
  fs.writeFileSync(at("b"), "");
  const layer = openLayer({ root: root.path });
  layer.fs.appendFileSync(at("b"), "more");
  layer.fs.rmdirSync(at("a"));
  layer.fs.linkSync(at("b"), at("a"));
  const chosen = selectChanges(diffLayer(layer), { include: ["/a"] });
  layer.close();
  const store = openCommitStore(new NodeDisk(), stateDirectoryOf(root.path));
  await commitChangeSet(store, chosen, { durability: "none" });
  expect(fs.readFileSync(at("a"), "utf8")).toBe("more");
  expect(fs.statSync(at("a")).ino).toBe(fs.statSync(at("b")).ino);
});
