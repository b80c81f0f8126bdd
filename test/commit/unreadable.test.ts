import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { TemporaryRoot } from "./scenario.ts";

/** Nobody on any system. */
const somebody = 54_321;

/** Does something on a tree of a user who may not read all of it. */
async function asUser(work: (root: string) => Promise<void>): Promise<void> {
  using root = new TemporaryRoot();
  fs.writeFileSync(join(root.path, "file"), "hello\n");
  fs.writeFileSync(join(root.path, "sealed"), "nobody reads this\n", { mode: 0 });
  if (process.getuid?.() !== 0) {
    await work(root.path);
    return;
  }
  for (const name of ["", "file", "sealed"])
    fs.chownSync(join(root.path, name), somebody, somebody);
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([]);
  process.setegid?.(somebody);
  process.seteuid?.(somebody);
  try {
    await work(root.path);
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

const modeOf = (root: string, name: string) => fs.lstatSync(join(root, name)).mode & 0o777;

describe("a file that its user may not read", () => {
  it("is made so by a commit, and readable again by undo; drift says what cannot be told", () =>
    asUser(async (root) => {
      await using overlay = await openOverlay(root);
      overlay.fs.chmodSync("file", 0);
      await overlay.commit();
      expect(modeOf(root, "file")).toBe(0);
      expect(await overlay.drift()).toEqual([{ path: "file", reason: "unreadable" }]);
      await overlay.undo();
      expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("hello\n");
      await overlay.redo();
      expect(modeOf(root, "file")).toBe(0);
    }));

  it("is left alone by an undo that would have to replace its bytes", () =>
    asUser(async (root) => {
      await using overlay = await openOverlay(root);
      overlay.fs.writeFileSync("file", "other\n");
      overlay.fs.chmodSync("file", 0);
      await overlay.commit();
      await expect(overlay.undo()).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
      expect(modeOf(root, "file")).toBe(0);
      fs.chmodSync(join(root, "file"), 0o600);
      expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("other\n");
    }));

  it("can get another mode and another name, and both back", () =>
    asUser(async (root) => {
      await using overlay = await openOverlay(root);
      overlay.fs.chmodSync("sealed", 0o640);
      overlay.fs.renameSync("sealed", "moved");
      await overlay.commit();
      expect(fs.readFileSync(join(root, "moved"), "utf8")).toBe("nobody reads this\n");
      await overlay.undo();
      expect(fs.readdirSync(root).sort()).toEqual([".draftfs", "file", "sealed"]);
      expect(modeOf(root, "sealed")).toBe(0);
    }));

  it("is no conflict unless somebody has written to it", () =>
    asUser(async (root) => {
      await using overlay = await openOverlay(root);
      overlay.fs.chmodSync("sealed", 0o600);
      fs.utimesSync(join(root, "sealed"), 1, 1);
      await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
      expect(modeOf(root, "sealed")).toBe(0);
    }));

  it.each(["removed", "replaced"])("is seen to be %s, and kept: its bytes could not be", (what) =>
    asUser(async (root) => {
      await using overlay = await openOverlay(root);
      overlay.fs.rmSync("sealed");
      if (what === "replaced") overlay.fs.writeFileSync("sealed", "anybody\n");
      const diff = await overlay.diff();
      expect(diff.changes).toHaveLength(1);
      expect(diff.lineCounts().get("sealed")).toBe(undefined);
      expect(diff.toPatch().toString()).toMatch(/^Binary files a\/sealed and .* differ$/m);
      await expect(overlay.commit()).rejects.toMatchObject({
        code: "DRAFT_COMMIT_FAILED",
        path: "sealed",
        message: expect.stringMatching(/may not read it.*chmod u\+r/),
      });
      expect(fs.lstatSync(join(root, "sealed")).size).toBe(18);
      expect((await overlay.diff()).changes).toHaveLength(1);
    }),
  );
});
