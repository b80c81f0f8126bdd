import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";

let root: string;
const opened: Overlay[] = [];

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-strangers-")));
  fs.mkdirSync(at("dir/deep"), { recursive: true });
  fs.writeFileSync(at("dir/deep/file"), "old\n");
  fs.writeFileSync(at("dir/file"), "old\n");
});

afterEach(async () => {
  for (const overlay of opened.splice(0)) await overlay.close();
  fs.rmSync(root, { recursive: true, force: true });
});

function at(path: string): string {
  return join(root, path);
}

async function openDraft(): Promise<Overlay> {
  const overlay = await openOverlay(root, { draft: "main" });
  opened.push(overlay);
  return overlay;
}

/** Times of the disk move in steps, and those of the overlay are cut to milliseconds. */
const nextTick = () => new Promise((resolve) => setTimeout(resolve, 20));

/** What happens to a directory in the draft: it is gone, or another one is in its place. */
const removals = {
  removed: (overlay: Overlay) => overlay.fs.rmSync("dir", { recursive: true }),
  "made anew": (overlay: Overlay) => {
    overlay.fs.rmSync("dir", { recursive: true });
    overlay.fs.mkdirSync("dir");
    overlay.fs.writeFileSync("dir/new", "new\n");
  },
  "removed by a command": (overlay: Overlay) => overlay.run("rm", ["-r", "dir"]),
} as const;

/** What somebody else does to the directory on the disk meanwhile, and where that is. */
const doings = {
  "makes a file in it": ["dir/deep/mine", (path: string) => fs.writeFileSync(path, "mine\n")],
  "changes a file in it": ["dir/deep/file", (path: string) => fs.appendFileSync(path, "mine\n")],
  "moves an old file into it": [
    "dir/mine",
    (path: string) => {
      fs.renameSync(at("elsewhere/mine"), path);
    },
  ],
  "moves an old directory into it": [
    "dir/moved/mine",
    () => fs.renameSync(at("elsewhere"), at("dir/moved")),
  ],
} as const;

describe.each(Object.entries(removals))("a directory that a draft has %s", (_how, remove) => {
  beforeEach(() => {
    fs.mkdirSync(at("elsewhere"));
    fs.writeFileSync(at("elsewhere/mine"), "old\n");
  });

  it.each(Object.entries(doings))("is not taken away from who %s", async (_what, [path, act]) => {
    await nextTick();
    const overlay = await openDraft();
    await remove(overlay);
    await nextTick();
    act(at(path));
    const before = fs.readFileSync(at(path), "utf8");
    await expect(overlay.commit()).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      details: { conflicts: [{ path, reason: "changed" }] },
    });
    expect(fs.readFileSync(at(path), "utf8")).toBe(before);
    expect(fs.existsSync(at("dir/file"))).toBe(true);
    // As a later process finds it in the draft.
    await overlay.saveDraft();
    await overlay.close();
    const later = await openDraft();
    await expect(later.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT", path });
    // By force it goes, and the checkpoint has it.
    await later.commitForce();
    expect(fs.existsSync(at(path))).toBe(false);
    await later.undo();
    expect(fs.readFileSync(at(path), "utf8")).toBe(before);
  });

  it("goes when nothing but the directory itself was touched", async () => {
    await nextTick();
    const overlay = await openDraft();
    await remove(overlay);
    await nextTick();
    fs.writeFileSync(at("dir/temporary"), "");
    fs.unlinkSync(at("dir/temporary"));
    fs.unlinkSync(at("dir/deep/file"));
    await overlay.commit();
    expect(fs.existsSync(at("dir/file"))).toBe(false);
  });
});

it("a directory that a command removed is what it was when the command began", async () => {
  const overlay = await openDraft();
  const spawned = await overlay.spawn("sh", ["-c", "rm -r dir; echo removed; read line"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise((resolve) => spawned.child.stdout?.once("data", resolve));
  fs.writeFileSync(at("dir/mine"), "mine\n");
  spawned.child.stdin?.end("\n");
  await spawned.result;
  await expect(overlay.commit()).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    path: "dir/mine",
  });
  expect(fs.readFileSync(at("dir/mine"), "utf8")).toBe("mine\n");
});

describe("a directory that a later command of the same session removes", () => {
  it("goes with what somebody had put into it before that command began", async () => {
    await using overlay = await openDraft();
    await overlay.run("ls", ["-R"]);
    await nextTick();
    fs.writeFileSync(at("dir/deep/mine"), "mine\n");
    fs.writeFileSync(at("dir/file"), "changed\n");
    await nextTick();
    await overlay.run("rm", ["-r", "dir"]);
    await overlay.commit();
    expect(fs.existsSync(at("dir"))).toBe(false);
    await overlay.undo();
    expect(fs.readFileSync(at("dir/deep/mine"), "utf8")).toBe("mine\n");
  });

  it("keeps what came after that command began", async () => {
    await using overlay = await openDraft();
    await overlay.run("ls", ["-R"]);
    await nextTick();
    await overlay.run("rm", ["-r", "dir"]);
    fs.writeFileSync(at("dir/mine"), "mine\n");
    await overlay.run("true");
    await expect(overlay.commit()).rejects.toMatchObject({ path: "dir/mine" });
  });

  it.each(["dir", "dir/deep"])("keeps what lies in another directory at %s", async (path) => {
    await using overlay = await openDraft();
    await overlay.run("ls", ["-R"]);
    await nextTick();
    // The kernel goes on showing the directory that it has looked up.
    fs.renameSync(at(path), at(`${path}-before`));
    fs.mkdirSync(at(path));
    fs.writeFileSync(at(`${path}/mine`), "mine\n");
    await nextTick();
    await overlay.run("rm", ["-rf", "dir"]);
    const attempt = overlay.commit();
    await expect(attempt).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
    expect(fs.readFileSync(at(`${path}/mine`), "utf8")).toBe("mine\n");
  });
});

it("a commit that was put back can be made again, and by a later process", async () => {
  await nextTick();
  const overlay = await openDraft();
  overlay.fs.rmSync("dir", { recursive: true });
  await overlay.saveDraft();
  const stamp = fs.lstatSync(at("dir/file"));
  const interfere = overlay.commit({
    onProgress: ({ phase }) => {
      if (phase === "apply") throw new Error("stopped in the middle");
    },
  });
  await expect(interfere).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  expect(fs.readFileSync(at("dir/file"), "utf8")).toBe("old\n");
  expect(fs.lstatSync(at("dir/file")).ctimeMs).toBeGreaterThan(stamp.ctimeMs);
  await overlay.close();
  const later = await openDraft();
  await later.commit();
  expect(fs.readdirSync(root)).toEqual([".draftfs"]);
});

describe("a directory that a draft makes, and somebody else too", () => {
  it.each([
    ["", {}],
    [", when it is a part", { include: ["made", "made/**"] }],
  ])("keeps what others have in it after a forced commit%s", async (_how, request) => {
    const overlay = await openDraft();
    overlay.fs.mkdirSync("made/deep", { recursive: true });
    overlay.fs.writeFileSync("made/deep/ours", "ours\n");
    overlay.fs.writeFileSync("other", "other\n");
    fs.mkdirSync(at("made/deep"), { recursive: true });
    for (const path of ["made/theirs", "made/deep/theirs"]) fs.writeFileSync(at(path), "theirs\n");
    await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT", path: "made" });
    await overlay.commitForce(request);
    const pending = (await overlay.diff()).changes.map(({ path }) => path);
    expect(pending).toEqual("include" in request ? ["other"] : []);
    expect(overlay.fs.readdirSync("made/deep")).toEqual(["ours", "theirs"]);
    overlay.fs.writeFileSync("other", "more\n");
    await overlay.commit();
    expect(fs.readFileSync(at("made/theirs"), "utf8")).toBe("theirs\n");
    expect(fs.readFileSync(at("made/deep/theirs"), "utf8")).toBe("theirs\n");
  });
});

it("a part of a directory that was made anew deletes nothing that came to the old one", async () => {
  await nextTick();
  const overlay = await openDraft();
  overlay.fs.rmSync("dir", { recursive: true });
  overlay.fs.mkdirSync("dir");
  overlay.fs.writeFileSync("dir/new", "ours\n");
  await nextTick();
  for (const path of ["dir/theirs", "dir/deep/theirs"]) fs.writeFileSync(at(path), "theirs\n");
  await overlay.commit({ include: ["dir/new"] });
  await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  for (const path of ["dir/theirs", "dir/deep/theirs"]) {
    expect(fs.readFileSync(at(path), "utf8")).toBe("theirs\n");
  }
  const conflicts = await overlay.commit().catch((error) => error.details.conflicts);
  const paths = conflicts.map(({ path }: { readonly path: string }) => path).sort();
  expect(paths).toEqual(["dir/deep/theirs", "dir/theirs"]);
  await overlay.commit({ exclude: ["dir/theirs", "dir/deep", "dir/deep/**"] });
  expect(fs.readdirSync(at("dir")).sort()).toEqual(["deep", "new", "theirs"]);
});
