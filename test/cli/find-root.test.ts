import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n", "sub/deep/b.txt": "two\n" });
});
afterEach(() => project[Symbol.dispose]());

const inside = (args: readonly string[]) =>
  project.draftfs(args, { cwd: project.path("sub/deep") });

describe("a directory below a root", () => {
  it("works on that root, says so, and takes paths as they are from there", () => {
    project.run("echo x > x; echo y > sub/deep/y");
    const status = inside(["status"]);
    expect(status).toMatchObject({ code: 2, out: "A\t1\t0\tsub/deep/y\nA\t1\t0\tx\n" });
    expect(status.err).toBe(`draftfs: the root is ${project.root}\n`);
    expect(inside(["run", "--", "sh", "-c", "pwd; cat y"]).out).toBe(
      `${project.path("sub/deep")}\ny\n`,
    );
    expect(inside(["commit", "y"]).code).toBe(0);
    expect(project.read("sub/deep/y")).toBe("y\n");
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\tx\n");
    expect(fs.existsSync(project.path("sub/deep/.draftfs"))).toBe(false);
  });

  it("is no root of its own unless that is forced", () => {
    project.run("echo x > x");
    const refused = inside(["run", "-C", ".", "--", "true"]);
    expect(refused.code).toBe(64);
    expect(refused.err).toMatch(new RegExp(`inside of the root ${project.root}, .*--force`));
    expect(fs.existsSync(project.path("sub/deep/.draftfs"))).toBe(false);
    const forced = inside(["run", "-C", ".", "--force", "--", "sh", "-c", "echo z > z"]);
    expect(forced.code).toBe(0);
    // From then on it is one.
    expect(inside(["status"])).toMatchObject({ code: 2, out: "A\t1\t0\tz\n", err: "" });
  });

  it("may be a root where nothing was pending above, and commit has said so", () => {
    const nothing = { code: 0, out: "Nothing is pending in the draft main.\n", err: "" };
    expect(project.draftfs(["commit"])).toMatchObject(nothing);
    expect(fs.existsSync(project.path(".draftfs"))).toBe(false);
    expect(inside(["commit"])).toMatchObject(nothing);
    expect(inside(["run", "-C", ".", "--", "sh", "-c", "echo z > z"]).code).toBe(0);
    expect(inside(["commit"])).toMatchObject({ code: 0, err: "" });
    expect(project.read("sub/deep/z")).toBe("z\n");
  });

  it("says nothing of the root with --json", () => {
    project.run("echo x > x");
    expect(inside(["status", "--json"])).toMatchObject({ code: 2, err: "" });
  });

  it("does not take the state directory of somebody else for a root", () => {
    if (process.geteuid?.() !== 0) return;
    project.run("echo x > x");
    fs.chownSync(project.path(".draftfs"), 65534, 65534);
    expect(inside(["status"])).toMatchObject({ code: 0, out: "", err: "" });
  });
});

it("is no home directory where HOME is set to nothing", () => {
  const env = { ...process.env, HOME: "" };
  expect(project.draftfs(["status"], { env })).toMatchObject({ code: 0, err: "" });
  const run = project.draftfs(["run", "--", "sh", "-c", "echo x > x"], { env });
  expect(run).toMatchObject({ code: 0, err: "A\tx\n" });
});

it("has the draft main where DRAFTFS_DRAFT is set to nothing", () => {
  project.run("echo x > x");
  const env = { ...process.env, DRAFTFS_DRAFT: "" };
  expect(project.draftfs(["status"], { env })).toMatchObject({ code: 2, out: "A\t1\t0\tx\n" });
});

it("without a history says so, whatever checkpoint is asked for", () => {
  const said = (...args: string[]) => project.draftfs(args).err;
  expect(said("show")).toMatch(/"latest": nothing was committed yet/);
  expect(said("restore", "@3")).toMatch(/"@3": nothing was committed yet/);
  project.run("echo x > x");
  project.draftfs(["commit"]);
  expect(said("show", "@3")).toMatch(/"@3": there is none of that name/);
});

describe("options and paths", () => {
  it("stand before the command as well as behind it", () => {
    project.run("echo x > x");
    const status = project.draftfs(["-C", project.root, "--json", "status"], { cwd: "/" });
    expect(status.code).toBe(2);
    expect(JSON.parse(status.out)).toMatchObject({ draft: "main", totals: { added: 1 } });
    expect(project.draftfs(["--draft", "other", "status"])).toMatchObject({ code: 0, out: "" });
  });

  it.each([["log"], ["undo"], ["verify"], ["drafts"], ["config"]])(
    "that mean nothing to %s are refused: --draft",
    (command) => {
      expect(project.draftfs([command, "--draft", "x"]).code).toBe(64);
      const before = project.draftfs(["--draft", "x", command]);
      expect(before.code).toBe(64);
      expect(before.err).toContain("works on no draft");
    },
  );

  it.each([
    [["run", "--discard", "-m", "x", "--", "true"], "cannot be used with"],
    [["run", "--keep", "--checks", "strict", "--", "true"], "cannot be used with"],
    [["run", "--record-content", "hash", "--", "true"], "--record"],
    [["prune"], "--keep"],
    [["commit", "typo"], "There is no typo"],
    [["commit", "--include", "typo.txt"], "Nothing is called typo.txt"],
    [["diff", "sub/typo"], "There is no sub/typo"],
    [["plan", "-o", "-", "typo"], "There is no typo"],
    [["commit", "sub/*"], "not as patterns. Give the pattern as --include 'sub/*'."],
    [["diff", "sub/*"], "not as patterns. Name a directory for all that lies in it."],
    [["plan", "-o", "-", "{a,b}"], "not as patterns. Name a directory"],
  ])("%j end with 64 and name what is wrong", (args, message) => {
    const { code, err } = project.draftfs(args);
    expect(code).toBe(64);
    expect(err).toContain(message);
  });

  it("that exist and are unchanged are no error", () => {
    project.run("rm a.txt");
    expect(project.draftfs(["diff", "sub"])).toMatchObject({ code: 0, out: "" });
    expect(project.draftfs(["diff", "a.txt"]).code).toBe(2);
    const commit = project.draftfs(["commit", "sub"]);
    expect(commit.code).toBe(0);
    expect(commit.out).toContain("1 other path still");
    expect(fs.existsSync(project.path("a.txt"))).toBe(true);
  });

  it("may lead through a link to the root", () => {
    project.run("echo x >> a.txt");
    fs.symlinkSync(project.root, project.beside("link"));
    const { code, out } = project.draftfs(["diff", `${project.beside("link")}/a.txt`]);
    expect(code).toBe(2);
    expect(out).toContain("+x");
  });
});

describe("the name of a checkpoint in the log", () => {
  it("means that checkpoint to a shell, where a plain number is a count", () => {
    for (const name of ["first", "second"]) {
      project.run(`echo ${name} > ${name}`);
      expect(project.draftfs(["commit", "-m", name]).code).toBe(0);
    }
    const log = project.draftfs(["log"]).out.split("\n");
    const line = log.find((one) => one.includes("first")) ?? "";
    const name = line.split(" ")[0] ?? "";
    expect(name).toBe("@1");
    // Just as it is printed, by a shell.
    const echo = spawnSync("sh", ["-c", `echo ${name}`], { encoding: "utf8" });
    expect(echo.stdout).toBe("@1\n");
    const tooMany = project.draftfs(["undo", "7"]);
    expect(tooMany.code).toBe(64);
    expect(tooMany.err).toContain("draftfs undo @7");
    expect(project.draftfs(["undo", name]).code).toBe(0);
    expect(fs.existsSync(project.path("first"))).toBe(false);
    expect(fs.existsSync(project.path("second"))).toBe(true);
    expect(project.draftfs(["show", "#1"]).out).toContain("first");
    expect(project.draftfs(["show", "1"]).out).toContain("first");
  });
});

describe("prune and gc", () => {
  beforeEach(() => {
    for (const name of ["first", "second", "third"]) {
      project.run(`head -c 3000 /dev/urandom > ${name}`);
      expect(project.draftfs(["commit", "-m", name]).code).toBe(0);
    }
  });

  it("show what they would forget, and forget it when it is no dry run", () => {
    const dry = project.draftfs(["prune", "--keep", "1", "--dry-run"]);
    expect(dry.out).toMatch(/^@2 .* second .*\n@1 .* first .*\nA dry run: /);
    expect(project.draftfs(["gc", "--keep", "1", "--dry-run"]).out).toContain("forget 2");
    expect(project.json(["log"])["checkpoints"]).toHaveLength(3);
    // Two of them are more than 4 KiB of content.
    const pruned = project.json(["prune", "--max-bytes", "4K"]);
    expect(pruned).toMatchObject({ outcome: "collected", kept: 1, pruned: 2 });
    expect(pruned["forgotten"]).toHaveLength(2);
    expect(project.json(["log"])["checkpoints"]).toHaveLength(1);
    expect(project.draftfs(["prune", "--keep", "1"]).out).toBe("There is nothing to forget.\n");
  });
});

describe("figures", () => {
  it("are in the documents of status, diff and compare", () => {
    project.run("echo x >> a.txt; rm sub/deep/b.txt");
    const totals = { modified: 1, deleted: 1, insertions: 1, deletions: 1 };
    const files = [
      { path: "a.txt", insertions: 1 },
      { path: "sub/deep/b.txt", deletions: 1 },
    ];
    expect(project.json(["status"])).toMatchObject({ totals, files });
    expect(project.json(["diff", "--stat"])).toMatchObject({ totals, files });
    expect(project.json(["diff", "--by-command", "--stat"])).toMatchObject({
      parts: [{ totals, files }],
    });
    project.draftfs(["commit"]);
    project.run("echo y >> a.txt");
    project.draftfs(["commit"]);
    const stat = project.draftfs(["compare", "@1", "@2", "--stat"]);
    expect(stat).toMatchObject({ code: 2 });
    expect(stat.out).toMatch(/modified +a\.txt +\+1\n 1 file; \+1 −0 lines\n/);
    expect(project.json(["compare", "@1", "@2"])).toMatchObject({
      files: [{ path: "a.txt", kind: "modify", lines: { insertions: 1, deletions: 0 } }],
      totals: { files: 1, insertions: 1, deletions: 0 },
    });
  });
});
