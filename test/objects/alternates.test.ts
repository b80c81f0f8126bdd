import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";

let root: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-alternates-")));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const git = (directory: string, words: readonly string[], input = ""): string =>
  execFileSync("git", ["-C", directory, ...words], { input, encoding: "utf8" }).trim();

/** As git quotes it: what is no plain ASCII as octal bytes. */
function quoted(path: string): string {
  const bytes = [...Buffer.from(path)].map((byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${bytes.join("")}"`;
}

test.each([
  ["plain", (path: string) => path],
  ["quoted", quoted],
  [
    "quoted with letters",
    (path: string) => `"${path.replace(/["\\]/g, "\\$&").replace("\t", "\\t")}"`,
  ],
])("an alternate is found where git finds it: %s", (_, written) => {
  const other = join(root, 'ö "o" \\ \t.git');
  const own = join(root, "own.git");
  for (const path of [other, own]) git(root, ["init", "-q", "--bare", path]);
  const oid = git(other, ["hash-object", "-w", "--stdin"], "bytes");
  fs.writeFileSync(join(own, "objects/info/alternates"), `${written(join(other, "objects"))}\n`);
  expect(git(own, ["cat-file", "blob", oid])).toBe("bytes");
  const store = new ObjectStore(new NodeDisk(), own);
  expect(Buffer.from(store.read(oid).bytes).toString()).toBe("bytes");
  store.close();
});
