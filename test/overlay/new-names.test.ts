import nodeFs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open, plant } from "./scratch.ts";

// Where many new names are made in a directory of the disk, it is not asked about each of them.

const waitMs = (milliseconds: number) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

test("what another program makes among many new names counts at once", () => {
  const root = plant({ target: "from below" });
  const { fs } = open(root);
  const directory = join(root, "many");
  nodeFs.mkdirSync(directory);
  waitMs(30);
  let count = 0;
  const makeMany = () => {
    for (let index = 0; index < 300; index++) fs.writeFileSync(join(directory, `n${count++}`), "");
  };
  makeMany();
  nodeFs.writeFileSync(join(directory, "file"), "theirs");
  expect(() => fs.writeFileSync(join(directory, "file"), "", { flag: "wx" })).toThrow("EEXIST");
  makeMany();
  nodeFs.mkdirSync(join(directory, "directory"));
  expect(() => fs.writeFileSync(join(directory, "directory"), "")).toThrow("EISDIR");
  makeMany();
  nodeFs.symlinkSync("../target", join(directory, "link"));
  fs.appendFileSync(join(directory, "link"), " and above");
  expect(fs.readFileSync(join(root, "target"), "utf8")).toBe("from below and above");
  makeMany();
  nodeFs.rmSync(directory, { recursive: true });
  nodeFs.mkdirSync(directory);
  nodeFs.writeFileSync(join(directory, "after"), "");
  expect(() => fs.mkdirSync(join(directory, "after"))).toThrow("EEXIST");
  expect(fs.readdirSync(directory)).toHaveLength(1201);
});
