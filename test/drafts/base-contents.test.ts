import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { runGit } from "../objects/store-fixture.ts";

let root: string;
const at = (path: string): string => join(root, path);

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "draftfs-bases-"));
  for (const name of ["edited", "removed", "moved"]) fs.writeFileSync(at(name), `old ${name}\n`);
  fs.writeFileSync(at("large"), Buffer.alloc(2 * 1024 * 1024, "x"));
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

/** Changes four files in a draft, which the process then leaves. */
async function leaveDraft(): Promise<void> {
  await using overlay = await openOverlay(root, { draft: "main" });
  overlay.fs.writeFileSync(at("edited"), "new edited\n");
  overlay.fs.rmSync(at("removed"));
  overlay.fs.renameSync(at("moved"), at("elsewhere"));
  overlay.fs.appendFileSync(at("large"), "more");
  await overlay.saveDraft();
}

async function commitDraft(): Promise<unknown> {
  await using overlay = await openOverlay(root, { draft: "main" });
  return await overlay.commit();
}

const conflictsOf = (error: unknown) =>
  (error as { conflicts?: { path: string; reason: string }[] }).conflicts?.map(
    ({ path, reason }) => `${path} ${reason}`,
  );

/** The same bytes as another file at the same place, later. */
function rewrite(name: string): void {
  fs.copyFileSync(at(name), at(`${name}.copy`));
  fs.utimesSync(at(`${name}.copy`), new Date(), new Date(Date.now() + 5000));
  fs.renameSync(at(`${name}.copy`), at(name));
}

// A tool that took another time for another content: claude-code#11976.
describe("a saved draft", () => {
  it.each([
    ["touched", (name: string) => fs.utimesSync(at(name), new Date(), new Date(1e12))],
    ["written again with the same bytes", rewrite],
  ])("is committed over files that were only %s since", async (_what, act) => {
    await leaveDraft();
    for (const name of ["edited", "removed", "moved"]) act(name);
    await commitDraft();
    expect(fs.readFileSync(at("edited"), "utf8")).toBe("new edited\n");
    expect(fs.existsSync(at("removed"))).toBe(false);
    expect(fs.readFileSync(at("elsewhere"), "utf8")).toBe("old moved\n");
  });

  // anthropics/claude-code#7443, #8216, #11869, #12330, #12981, #21201, anthony-chaudhary/fak#2084,
  // can1357/oh-my-pi#3841.
  it("knows a file by what it holds when its size and time are those of before", async () => {
    const { mtime, atime } = fs.statSync(at("edited"));
    await leaveDraft();
    fs.writeFileSync(at("edited"), "OLD edited\n");
    fs.utimesSync(at("edited"), atime, mtime);
    const refusal = await commitDraft().catch((error: unknown) => error);
    expect(conflictsOf(refusal)).toEqual(["edited changed"]);
    expect(fs.readFileSync(at("edited"), "utf8")).toBe("OLD edited\n");
  });

  it("knows what it holds over any number of saves", async () => {
    await leaveDraft();
    for (let save = 0; save < 3; save++) {
      await using overlay = await openOverlay(root, { draft: "main" });
      overlay.fs.writeFileSync(at(`other-${save}`), "");
      // What lies there now is not what the draft is based on.
      if (save === 1) fs.writeFileSync(at("edited"), "somebody else's\n");
      await overlay.saveDraft();
    }
    const refusal = await commitDraft().catch((error: unknown) => error);
    expect(conflictsOf(refusal)).toEqual(["edited changed"]);
    fs.writeFileSync(at("edited"), "old edited\n");
    await commitDraft();
    expect(fs.readFileSync(at("edited"), "utf8")).toBe("new edited\n");
  });

  it("knows a large file by its stamp only", async () => {
    await leaveDraft();
    fs.utimesSync(at("large"), new Date(), new Date(1e12));
    const refusal = await commitDraft().catch((error: unknown) => error);
    expect(conflictsOf(refusal)).toEqual(["large changed"]);
  });

  it("makes a plan over files that were only touched, and none over others", async () => {
    await leaveDraft();
    fs.utimesSync(at("edited"), new Date(), new Date(1e12));
    const plan = async () => {
      await using overlay = await openOverlay(root, { draft: "main" });
      return overlay.plan({ exclude: ["large"] });
    };
    expect((await plan()).changes).toHaveLength(3);
    fs.writeFileSync(at("edited"), "other edit\n");
    await expect(plan()).rejects.toMatchObject({ code: "DRAFT_PLAN_STALE" });
    fs.unlinkSync(at("edited"));
    await expect(plan()).rejects.toMatchObject({ code: "DRAFT_PLAN_STALE" });
    fs.mkdirSync(at("edited"));
    await expect(plan()).rejects.toMatchObject({ code: "DRAFT_PLAN_STALE" });
  });
});

describe("a draft in which something was staged", () => {
  const git = (...args: readonly string[]): string => runGit(["-C", root, ...args]).toString();

  /** Entries enough for more than the bytes of other files that a draft knows. */
  const many = Array.from({ length: 20_000 }, (_, at) => `100644 ${"1".repeat(40)}\tmany/${at}\n`);

  async function stage(entries: readonly string[]): Promise<void> {
    git("init", "-q");
    git("add", "edited");
    runGit(["-C", root, "update-index", "--index-info"], Buffer.from(entries.join("")));
    const before = fs.readFileSync(at(".git/index"));
    git("add", "removed");
    const staged = fs.readFileSync(at(".git/index"));
    fs.writeFileSync(at(".git/index"), before);
    await using overlay = await openOverlay(root, { draft: "main" });
    overlay.fs.writeFileSync(".git/index", staged);
    await overlay.saveDraft();
  }

  /** What `git status` does to an index that is older than what it looks at. */
  function look(): void {
    const before = fs.readFileSync(at(".git/index"));
    fs.utimesSync(at("edited"), 1_600_000_000, 1_600_000_000);
    git("status");
    expect(fs.readFileSync(at(".git/index")).equals(before)).toBe(false);
  }

  it.each([
    ["small", []],
    ["large", many],
  ])("is committed over a %s index that git status has written anew", async (_size, entries) => {
    await stage(entries);
    look();
    await commitDraft();
    expect(git("ls-files").split("\n")).toEqual(expect.arrayContaining(["edited", "removed"]));
    look();
    await using overlay = await openOverlay(root);
    await overlay.undo();
    expect(git("ls-files").split("\n")).not.toContain("removed");
  });

  it("is refused where something else was staged meanwhile", async () => {
    await stage([]);
    look();
    git("add", "moved");
    const refusal = await commitDraft().catch((error: unknown) => error);
    expect(conflictsOf(refusal)).toEqual([".git/index changed"]);
    expect(git("ls-files").split("\n")).toContain("moved");
  });
});
