import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs, {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import isomorphicGit from "isomorphic-git";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packsMax } from "../../src/limits.ts";
import { collectGarbage, isCollectionDue } from "../../src/recovery/collect-garbage.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { runGit } from "../objects/store-fixture.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

test("git log, show and diff tell what each operation did, and nothing else", async () => {
  fixture.edit("readme", "one\ntwo\nthree\n");
  fixture.edit("other", "never touched by draftfs\n");
  const first = await fixture.write({ readme: "one\n2\nthree\n", "source/a.ts": "a\n" }, "first");
  const second = await fixture.commit(
    (overlay, at) => {
      overlay.renameSync(at("source/a.ts"), at("source/b.ts"));
      overlay.chmodSync(at("readme"), 0o755);
    },
    { message: "second\n\nwith a body", author: "Ada <ada@example.org>" },
  );
  await undo(fixture.store, { durability: "none" });
  expect(fixture.git("log", "--format=%s", "main").trim().split("\n")).toEqual([
    "Undo operation 2: second",
    "second",
    "first",
    "State before operation 1",
  ]);
  expect(fixture.git("log", "-1", "--stat", "--format=%an <%ae>", second.main)).toMatch(
    /^Ada <ada@example.org>\n\n readme +\| 0\n source\/\{a.ts => b.ts\} \| 0\n 2 files changed, 0/,
  );
  expect(fixture.git("show", "--format=%s", first.main, "--", "readme")).toMatch(
    /^first\n\ndiff --git a\/readme b\/readme\nindex .*\n--- .*\n\+\+\+ .*\n@@ -1,3 \+1,3 @@\n one\n-two\n\+2\n three\n$/,
  );
  expect(fixture.git("diff", "--name-status", "-M", first.main, second.main)).toBe(
    "M\treadme\nR100\tsource/a.ts\tsource/b.ts\n",
  );
  // The operation log is a history of its own, with the state before and after side by side.
  expect(fixture.git("ls-tree", "-r", "--name-only", first.operation).trim().split("\n")).toEqual([
    "after/readme",
    "after/source/a.ts",
    "before/readme",
    "manifest.json",
  ]);
  expect(
    fixture.git("diff", "--stat", `${first.operation}:before`, `${first.operation}:after`),
  ).toContain("2 files changed");
});

test("git clone, fetch, bundle and gc work on the store", async () => {
  await fixture.write({ a: "1\n" });
  await fixture.write({ a: "2\n", "dir/b": "b\n" });
  const clone = join(fixture.root, ".draftfs", "clone");
  runGit(["clone", "-q", fixture.state.checkpoints, clone]);
  expect(readFileSync(join(clone, "dir/b"), "utf8")).toBe("b\n");
  await fixture.write({ a: "3\n" });
  runGit(["-C", clone, "pull", "-q"]);
  expect(readFileSync(join(clone, "a"), "utf8")).toBe("3\n");
  runGit(["-C", clone, "fetch", "-q", "origin", "refs/draftfs/operations:operations"]);
  runGit(["-C", clone, "fsck", "--full", "--strict"]);
  fixture.git("bundle", "create", join(fixture.root, ".draftfs", "bundle"), "--all");
  fixture.git("gc", "-q", "--prune=now");
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  fixture.reopen();
  await fixture.write({ a: "4\n" });
  await undo(fixture.store, { count: 4, durability: "none" });
  expect(Object.keys(fixture.snapshot())).toEqual([]);
});

test("isomorphic-git reads the store", async () => {
  const { main } = await fixture.write({ "dir/a": "content\n" }, "the message");
  const gitdir = fixture.state.checkpoints;
  const log = await isomorphicGit.log({ fs, gitdir, ref: "main" });
  expect(log.map(({ commit }) => commit.message)).toEqual(["the message\n"]);
  const { blob } = await isomorphicGit.readBlob({ fs, gitdir, oid: main, filepath: "dir/a" });
  expect(Buffer.from(blob).toString()).toBe("content\n");
});

/** Everything about every file below a directory that a write could change. */
function fingerprint(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => {
      const { ino, size, mtimeMs, ctimeMs } = statSync(path);
      return `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    });
}

test("a user's own repository is never touched: not its index, refs, objects or directory", async () => {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", fixture.root, ...args], {
      encoding: "utf8",
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
    });
  git("init", "-q", "-b", "work");
  git("config", "user.email", "me@example.org");
  git("config", "user.name", "Me");
  fixture.edit("tracked", "1\n");
  mkdirSync(join(fixture.root, "nested"));
  git("init", "-q", "nested");
  git("add", "tracked");
  git("commit", "-q", "-m", "mine");
  fixture.edit("staged", "1\n");
  git("add", "staged");
  // The first operation makes the state directory, which ignores itself.
  await fixture.write({ tracked: "2\n" });
  await undo(fixture.store, { durability: "none" });
  const before = fingerprint(join(fixture.root, ".git"));
  const nested = fingerprint(join(fixture.root, "nested/.git"));
  await fixture.write({ tracked: "3\n", "nested/file": "1\n" });
  await undo(fixture.store, { durability: "none" });
  expect(fingerprint(join(fixture.root, ".git"))).toEqual(before);
  expect(fingerprint(join(fixture.root, "nested/.git"))).toEqual(nested);
  expect(git("status", "--porcelain")).toBe("A  staged\n?? nested/\n");
  expect(existsSync(join(fixture.root, ".git_disabled"))).toBe(false);
});

test("even a repository that was itself changed through an overlay goes back", async () => {
  const project = join(fixture.root, "project");
  mkdirSync(project);
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", project, "-c", "user.email=a@b", "-c", "user.name=A", ...args], {
      encoding: "utf8",
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
    });
  git("init", "-q");
  fixture.edit("project/file", "1\n");
  git("add", ".");
  git("commit", "-q", "-m", "one");
  const changed = join(fixture.root, ".draftfs-changed");
  cpSync(project, changed, { recursive: true });
  execFileSync("git", [
    "-C",
    changed,
    "-c",
    "user.email=a@b",
    "-c",
    "user.name=A",
    "commit",
    "-q",
    "--allow-empty",
    "-m",
    "two",
  ]);
  const before = fixture.snapshot();
  await fixture.commit((overlay, at) => {
    overlay.rmSync(at("project"), { recursive: true });
    overlay.renameSync(at(".draftfs-changed"), at("project"));
  });
  expect(git("log", "--format=%s")).toBe("two\none\n");
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  await undo(fixture.store, { durability: "none" });
  expect(git("log", "--format=%s")).toBe("one\n");
  expect(fixture.snapshot()).toEqual(before);
});

test("what a user has tagged, noted or checked out in the store is kept by gc, and is no damage", async () => {
  await fixture.write({ a: "1\n", "dir/b": "b\n" });
  const { main } = await fixture.write({ a: "2\n" });
  const me = ["-c", "user.name=Me", "-c", "user.email=me@example.org"];
  const submodule = `160000 commit ${"1".repeat(40)}\tmodule\n`;
  const tree = runGit(["--git-dir", fixture.state.checkpoints, "mktree"], Buffer.from(submodule));
  const foreign = fixture.git(...me, "commit-tree", "-m", "mine", tree.toString().trim()).trim();
  fixture.git("update-ref", "refs/heads/with-submodule", foreign);
  fixture.git(...me, "tag", "-a", "-m", "keep this", "annotated", main);
  fixture.git(...me, "tag", "-a", "-m", "and that", "nested", "annotated");
  fixture.git("tag", "tree", `${main}^{tree}`);
  fixture.git("tag", "blob", `${main}:dir/b`);
  fixture.git(...me, "notes", "add", "-m", "a note", main);
  const detached = fixture.git(...me, "commit-tree", "-m", "detached", `${main}^{tree}`).trim();
  fixture.git("update-ref", "--no-deref", "HEAD", detached);
  for (const housekeeping of [[], ["repack", "-adq"], ["gc", "-q", "--prune=now"]]) {
    if (housekeeping.length > 0) fixture.git(...housekeeping);
    fixture.reopen();
    expect((await verifyStore(fixture.store)).problems).toEqual([]);
    await fixture.write({ a: housekeeping.join(" ") });
    expect(await collectGarbage(fixture.store, { operations: 1 })).toMatchObject({
      outcome: "collected",
    });
    expect((await verifyStore(fixture.store)).problems).toEqual([]);
    expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  }
  expect(fixture.git("cat-file", "-p", "nested^{commit}:a")).toBe("2\n");
  expect(fixture.git("log", "-1", "--format=%s", detached)).toBe("detached\n");
});

test.each([
  ["objectformat", "sha256", '[extensions]\n\tobjectFormat = "sha256"\n'],
  ["refstorage", "reftable", "[core]\n\tbare = true\n[ Extensions ] refStorage = reftable # new\n"],
])(
  "a store whose %s has been converted to %s is refused and left alone",
  async (name, value, config) => {
    await fixture.write({ a: "1\n" });
    const file = join(fixture.state.checkpoints, "config");
    writeFileSync(file, config);
    // A pack loses its name in the journal meanwhile.
    const look = () =>
      fingerprint(fixture.state.checkpoints).map((line) => line.replace(/ \S+$/, ""));
    const before = look();
    fixture.reopen();
    const refused = { code: "DRAFT_UNSUPPORTED", details: { extension: name, value } };
    await expect(fixture.write({ a: "2\n" })).rejects.toMatchObject(refused);
    await expect(undo(fixture.store)).rejects.toMatchObject(refused);
    await expect(verifyStore(fixture.store)).rejects.toMatchObject(refused);
    await expect(collectGarbage(fixture.store)).rejects.toMatchObject(refused);
    expect(fixture.read("a")).toBe("1\n");
    expect(look()).toEqual(before);
    writeFileSync(file, "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
    fixture.reopen();
    await undo(fixture.store, { durability: "none" });
  },
);

test.each([
  ["preciousObjects", true],
  ["preciousObjects = on # shared", true],
  ["preciousObjects = 2\n\tworktreeConfig = false", true],
  ["preciousObjects =", false],
  ["preciousObjects = true\n\tpreciousobjects = No", false],
])("gc deletes what git would: with %j that is precious: %s", async (setting, isKept) => {
  for (let n = 0; n <= packsMax; n++) await fixture.write({ a: `${n}\n` });
  const file = join(fixture.state.checkpoints, "config");
  appendFileSync(file, `[extensions]\n\t${setting}\n`);
  fixture.reopen();
  expect(isCollectionDue(fixture.store)).toBe(!isKept);
  const before = fingerprint(fixture.state.checkpoints);
  const collecting = collectGarbage(fixture.store, { operations: 2 });
  if (isKept) {
    const refused = { code: "DRAFT_UNSUPPORTED", path: file };
    await expect(collecting).rejects.toMatchObject(refused);
    expect(fingerprint(fixture.state.checkpoints)).toEqual(before);
    expect(() => fixture.git("repack", "-ad")).toThrow(/precious/);
  } else {
    expect(await collecting).toMatchObject({ outcome: "collected" });
    fixture.git("repack", "-ad");
  }
  await fixture.write({ a: "more\n" });
  expect((await verifyStore(fixture.store)).problems).toEqual([]);
});

test("a ref that a user's git has locked is waited for, and that of a dead one is not for long", async () => {
  const { main } = await fixture.write({ a: "1\n" });
  const lock = join(fixture.state.checkpoints, "refs/heads/main.lock");
  writeFileSync(lock, "");
  // Another thread: the commit waits in a call that does not come back before.
  const git = new Worker(
    `const { unlinkSync } = require("node:fs");
     setTimeout(() => unlinkSync(${JSON.stringify(lock)}), 30);`,
    { eval: true },
  );
  await once(git, "online");
  fixture.store.objects.updateRef("refs/heads/main", main);
  await once(git, "exit");
  expect(existsSync(lock)).toBe(false);
  writeFileSync(lock, "");
  const second = await fixture.write({ a: "2\n" });
  expect(fixture.store.objects.readRef("refs/heads/main")).toBe(second.main);
  expect(existsSync(lock)).toBe(false);
});
