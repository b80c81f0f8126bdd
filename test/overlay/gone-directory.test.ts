import nodeFs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open, plant } from "./scratch.ts";

test("a file in place of a directory that went from the disk ends paths through it", () => {
  const root = plant({ "b/d/f": "text" });
  const { fs } = open(root);
  fs.statSync(join(root, "b/d/f"));
  nodeFs.rmSync(join(root, "b/d"), { recursive: true });
  fs.writeFileSync(join(root, "b/d"), "file");
  expect(() => fs.lstatSync(join(root, "b/d/f"))).toThrow("ENOTDIR");
  expect(() => fs.mkdirSync(join(root, "b/d/new"))).toThrow("ENOTDIR");
  expect(fs.readFileSync(join(root, "b/d"), "utf8")).toBe("file");
});
