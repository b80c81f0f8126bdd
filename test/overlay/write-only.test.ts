import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLayer } from "../../src/overlay/layer.ts";

const isRoot = process.geteuid?.() === 0;

test("a file that may be written but not read can be replaced, and appending to it is refused", () => {
  const root = mkdtempSync(join(tmpdir(), "draftfs-write-only-"));
  chmodSync(root, 0o777);
  const path = join(root, "secret");
  writeFileSync(path, "bytes that nobody may see\n");
  chmodSync(path, 0o222);
  const layer = openLayer({ root });
  if (isRoot) process.seteuid?.(65_534);
  try {
    expect(() => layer.fs.appendFileSync("secret", "more\n")).toThrow(/EACCES/);
    layer.fs.writeFileSync("secret", "new\n");
    expect(layer.fs.statSync("secret").size).toBe(4);
  } finally {
    if (isRoot) process.seteuid?.(0);
    layer.close();
  }
  chmodSync(path, 0o644);
  expect(readFileSync(path, "utf8")).toBe("bytes that nobody may see\n");
  rmSync(root, { recursive: true });
});

test("a directory that may be written but not listed takes any number of new names", () => {
  const root = mkdtempSync(join(tmpdir(), "draftfs-write-only-"));
  chmodSync(root, 0o777);
  mkdirSync(join(root, "inbox"));
  chmodSync(join(root, "inbox"), 0o333);
  // Its last change has to be of the past.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
  const layer = openLayer({ root });
  if (isRoot) process.seteuid?.(65_534);
  try {
    for (let count = 0; count < 300; count++) layer.fs.writeFileSync(`inbox/n${count}`, "");
  } finally {
    if (isRoot) process.seteuid?.(0);
    layer.close();
  }
  chmodSync(join(root, "inbox"), 0o755);
  rmSync(root, { recursive: true });
});
