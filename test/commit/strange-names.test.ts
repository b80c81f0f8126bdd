import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mergingResolver, openOverlay } from "../../src/index.ts";
import { TemporaryRoot } from "./scenario.ts";

/**
 * A file with two names of which both are written in the overlay, while somebody puts a file of
 * their own in place of one name. That name leads to another file by the time of the commit.
 */
async function prepare(root: string) {
  const overlay = await openOverlay(root);
  overlay.fs.mkdirSync("d");
  overlay.fs.mkdirSync("e");
  overlay.fs.writeFileSync("e/a", "one\ntwo\nthree\n");
  overlay.fs.linkSync("e/a", "d/b");
  // By its time the checkpoint knows what a merge is based on.
  overlay.fs.utimesSync("e/a", 1.5, 1.5);
  overlay.fs.writeFileSync("a", "a\n");
  await overlay.commit();
  overlay.fs.writeFileSync("d/b", "one\nnew\ntwo\nthree\n");
  overlay.fs.writeFileSync("e/a", "ONE\ntwo\nthree\n");
  fs.unlinkSync(join(root, "d/b"));
  fs.writeFileSync(join(root, "d/b"), "one\ntwo\nthree\ntheirs\n");
  return overlay;
}

const textOf = (files: Pick<typeof fs, "readFileSync">, root: string, path: string): string =>
  files.readFileSync(join(root, path), "utf8");

function filesOf(root: string): Record<string, string> {
  const names = fs.readdirSync(root, { recursive: true, encoding: "utf8" });
  const own = names.filter((name) => !name.startsWith(".draftfs"));
  const files = own.filter((name) => fs.lstatSync(join(root, name)).isFile());
  return Object.fromEntries(files.sort().map((name) => [name, textOf(fs, root, name)]));
}

const moves: Record<string, readonly (readonly [string, string])[]> = {
  "stays where it is": [],
  "is moved": [["d/b", "x"]],
  "is moved across another one": [
    ["a", "d/a"],
    ["d/b", "a"],
  ],
};

test.each(Object.keys(moves))(
  "a forced commit writes both names, and undo brings back what others have put, where the name %s",
  async (kind) => {
    using root = TemporaryRoot.inMemory();
    await using overlay = await prepare(root.path);
    for (const [from, to] of moves[kind] ?? []) overlay.fs.renameSync(from, to);
    const before = filesOf(root.path);
    const receipt = await overlay.commitForce();
    for (const [path, text] of Object.entries(filesOf(root.path))) {
      expect(text, path).toBe(textOf(overlay.fs as unknown as typeof fs, root.path, path));
    }
    expect(textOf(fs, root.path, "e/a")).toBe("ONE\ntwo\nthree\n");
    expect((await overlay.diff()).changes).toEqual([]);
    await receipt.undo();
    expect(filesOf(root.path)).toEqual(before);
    await overlay.redo();
    expect(textOf(fs, root.path, "e/a")).toBe("ONE\ntwo\nthree\n");
  },
);

test("a merge keeps what others have put at one name, and leaves the other name alone", async () => {
  using root = TemporaryRoot.inMemory();
  await using overlay = await prepare(root.path);
  const before = filesOf(root.path);
  const receipt = await overlay.commitWith(mergingResolver());
  expect(textOf(fs, root.path, "d/b")).toBe("ONE\ntwo\nthree\ntheirs\n");
  expect(textOf(fs, root.path, "e/a")).toBe("ONE\ntwo\nthree\n");
  await receipt.undo();
  expect(filesOf(root.path)).toEqual(before);
});
