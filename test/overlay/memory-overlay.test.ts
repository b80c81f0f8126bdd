import nodeFs from "node:fs";
import * as memfs from "memfs";
import { describe, expect, test } from "vitest";
import type { LowerFileSystem } from "../../src/disk/lower/lower.ts";
import { memoryOverlay } from "../../src/overlay/memory-overlay.ts";
import { open, plant, summary, treeOf } from "./scratch.ts";

describe("a memory overlay", () => {
  test("works on a tree that no disk holds", async () => {
    const layer = await memoryOverlay({ "/a.txt": "alpha", "/d/b": Buffer.from("b"), "/e": null });
    layer.fs.renameSync("/d", "/moved");
    layer.fs.appendFileSync("a.txt", "!");
    expect(treeOf(layer.fs, "/")).toEqual(["a.txt: alpha!", "e/", "moved/", "moved/b: b"]);
    expect(summary(layer)).toEqual([
      "file a.txt size=6 base=a.txt",
      "whiteout d base=d",
      "directory moved redirect=d",
    ]);
  });

  test("over / looks at each directory of a path once, not with every call", () => {
    const { createFsFromVolume, Volume } = memfs;
    const volume = Volume.fromJSON({ "/a/b/c/f": "f" });
    const memory = createFsFromVolume(volume) as unknown as LowerFileSystem;
    const looked: string[] = [];
    const lstatSync = (path: string, options: never) => {
      looked.push(String(path));
      return memory.lstatSync(path, options);
    };
    const lower = Object.assign(Object.create(memory), { lstatSync }) as LowerFileSystem;
    const layer = open("/", { lower });
    layer.fs.statSync("/a/b/c/f");
    looked.length = 0;
    layer.fs.statSync("/a/b/c/f");
    expect(new Set(looked)).toEqual(new Set(["/a/b/c/f"]));
  });

  test("shows fixtures over other file systems and changes none of them", async () => {
    const root = plant({ "package.json": "{}", "src/a.ts": "a" });
    const before = treeOf(nodeFs, root);
    const layer = await memoryOverlay(
      { [`${root}/src/fixture.ts`]: "f" },
      { root, over: [nodeFs] },
    );
    expect(layer.fs.readFileSync("src/fixture.ts", "utf8")).toBe("f");
    expect(layer.fs.readFileSync("src/a.ts", "utf8")).toBe("a");
    layer.fs.writeFileSync("src/a.ts", "changed");
    layer.fs.rmSync("package.json");
    expect(layer.fs.readdirSync("src")).toEqual(["a.ts", "fixture.ts"]);
    expect(treeOf(nodeFs, root)).toEqual(before);
  });
});
