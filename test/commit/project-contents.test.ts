import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mergingResolver, openOverlay } from "../../src/index.ts";

let directory: string;
beforeEach(() => {
  directory = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-project-")));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const text = "1\n2\n3\n4\n5\n";

function git(root: string, ...words: string[]): void {
  const own = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
  execFileSync("git", ["-C", root, ...own, ...words], { stdio: "pipe" });
}

/** A repository with one commit. @returns where it lies. */
function makeRepository(...options: string[]): string {
  const root = join(directory, "project");
  fs.mkdirSync(join(root, "deep"), { recursive: true });
  git(root, "init", "-q", ...options);
  for (const name of ["file", "deep/file"]) fs.writeFileSync(join(root, name), text);
  git(root, "add", "-A");
  git(root, "commit", "-qm", "first");
  return root;
}

/** Changes the first line in a saved draft and the last one on the disk, and merges them. */
async function mergeIn(root: string): Promise<string> {
  {
    await using overlay = await openOverlay(root, { draft: "main" });
    overlay.fs.writeFileSync("file", text.replace("1", "one"));
    await overlay.saveDraft();
  }
  fs.writeFileSync(join(root, "file"), text.replace("5", "five"));
  await using overlay = await openOverlay(root, { draft: "main" });
  await overlay.commitWith(mergingResolver());
  return fs.readFileSync(join(root, "file"), "utf8");
}

const places: Readonly<Record<string, () => string>> = {
  "as git has just stored it": () => makeRepository(),
  "in a pack": () => {
    const root = makeRepository();
    git(root, "gc", "-q");
    return root;
  },
  "above the root": () => join(makeRepository(), "deep"),
  "of another worktree": () => {
    const worktree = join(directory, "worktree");
    git(makeRepository(), "worktree", "add", "-q", worktree);
    return worktree;
  },
  "whose git directory lies apart": () =>
    makeRepository("--separate-git-dir", join(directory, "apart")),
};

describe("a draft that no checkpoint has the base of is merged by that of a repository", () => {
  it.each(Object.entries(places))("%s", async (_place, make) => {
    const root = make();
    expect(await mergeIn(root)).toBe("one\n2\n3\n4\nfive\n");
    git(root, "fsck", "--strict");
  });
});

describe("a draft is not merged by", () => {
  it.each(["a repository that does not have it", "a damaged repository", "none"])(
    "%s",
    async (which) => {
      const root = makeRepository();
      const objects = join(root, ".git/objects");
      if (which === "none") fs.rmSync(join(root, ".git"), { recursive: true });
      else fs.rmSync(objects, { recursive: true });
      if (which === "a damaged repository") fs.writeFileSync(objects, "no directory");
      await expect(mergeIn(root)).rejects.toMatchObject({
        code: "DRAFT_CONFLICT",
        message: expect.stringContaining("neither a checkpoint nor git has"),
      });
      expect(fs.readFileSync(join(root, "file"), "utf8")).toBe(text.replace("5", "five"));
    },
  );
});
