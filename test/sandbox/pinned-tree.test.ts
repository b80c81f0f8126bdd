import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PinnedTree } from "../../src/sandbox/harvest/pinned-tree.ts";
import { scratchDirectory, treeOf } from "./sandbox-fixture.ts";

const { O_CREAT, O_DIRECTORY, O_RDONLY, O_WRONLY } = constants;

function pinned(root: string): { readonly tree: PinnedTree; end(): void } {
  const descriptor = openSync(root, O_RDONLY | O_DIRECTORY);
  const tree = new PinnedTree(descriptor);
  const end = (): void => {
    tree.close();
    closeSync(descriptor);
  };
  return { tree, end };
}

describe("a pinned tree", () => {
  it("follows no link, wherever in a path it lies", () => {
    const out = scratchDirectory();
    writeFileSync(join(out, "f"), "outside\n");
    const root = treeOf({ "d/f": "in\n" });
    symlinkSync(out, join(root, "link"));
    symlinkSync(join(out, "f"), join(root, "file"));
    const mode = statSync(out).mode;
    const { tree, end } = pinned(root);
    expect(() => tree.open("link/f", O_WRONLY)).toThrow(/ENOTDIR|ELOOP/);
    expect(() => tree.open("link/new", O_WRONLY | O_CREAT)).toThrow(/ENOTDIR|ELOOP/);
    expect(() => tree.open("file", O_WRONLY)).toThrow(/ELOOP/);
    expect(() => tree.mkdir("link/new", 0o755)).toThrow(/ENOTDIR|ELOOP/);
    expect(() => tree.readdir("link")).toThrow(/ENOTDIR|ELOOP/);
    expect(() => tree.chmod("link", 0o777)).toThrow();
    expect(tree.lstat("link/f")).toBeUndefined();
    tree.remove("link/f");
    tree.remove("link");
    end();
    expect(readFileSync(join(out, "f"), "utf8")).toBe("outside\n");
    expect(readdirSync(out)).toEqual(["f"]);
    expect(statSync(out).mode).toBe(mode);
  });

  it("stays in the directory that it opened when a link takes its place", () => {
    const out = scratchDirectory();
    const root = treeOf({ "d/sub/f": "in\n" });
    const { tree, end } = pinned(root);
    expect(tree.lstat("d/sub/f")?.isFile()).toBe(true);
    renameSync(join(root, "d"), join(root, "moved"));
    symlinkSync(out, join(root, "d"));
    mkdirSync(join(out, "sub"));
    const descriptor = tree.open("d/sub/new", O_WRONLY | O_CREAT);
    writeSync(descriptor, "x");
    closeSync(descriptor);
    end();
    expect(readdirSync(join(out, "sub"))).toEqual([]);
    expect(readFileSync(join(root, "moved/sub/new"), "utf8")).toBe("x");
  });

  it.each([1_795_385_651_532_000_000n, -86_400_000_000_000n])(
    "sets times to the very microsecond, from %i on",
    (startNs) => {
      const root = treeOf({ f: "" });
      const { tree, end } = pinned(root);
      for (let index = 0; index < 200; index++) {
        const timeNs = startNs + BigInt(index * 7) * 1000n;
        tree.lutimes("f", timeNs, timeNs);
        expect(tree.lstat("f")?.mtimeNs).toSatisfy(
          (setNs: bigint) => setNs / 1000n === timeNs / 1000n,
        );
      }
      end();
    },
  );
});
