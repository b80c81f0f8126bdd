import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n", "lib/b.txt": "two\n", "lib/c.txt": "three\n" });
});
afterEach(() => project[Symbol.dispose]());

const git = (...args: string[]) =>
  spawnSync("git", args, {
    cwd: project.root,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });

describe("draftfs diff", () => {
  it("is a patch that git apply accepts, and that does what commit does", () => {
    project.run(
      "echo more >> a.txt; rm lib/b.txt; mv lib/c.txt 'c d.txt'; echo > lib/e; printf '\\0\\1' > bin",
    );
    const patch = project.draftfs(["diff"]);
    expect(patch.code).toBe(2);
    fs.writeFileSync(project.beside("patch"), patch.out);
    const copy = project.beside("copy");
    fs.cpSync(project.root, copy, {
      recursive: true,
      filter: (path) => !path.includes(".draftfs"),
    });
    const applied = spawnSync("git", ["apply", project.beside("patch")], { cwd: copy });
    expect(applied.status).toBe(0);
    expect(project.draftfs(["commit"]).code).toBe(0);
    const same = spawnSync("diff", ["-r", "--exclude=.draftfs", project.root, copy]);
    expect(same.status).toBe(0);
  });

  it("shows only the paths that are given, taken as they are and not as patterns", () => {
    project.run("echo x >> a.txt; echo x >> lib/b.txt; echo x > 'a[.]txt'; echo x > '*'");
    const paths = (...args: string[]) =>
      (project.json(["diff", ...args]) as { changes?: { path: string }[] }).changes?.map(
        ({ path }) => path,
      );
    expect(paths()).toEqual(["*", "a.txt", "a[.]txt", "lib/b.txt"]);
    expect(paths("lib")).toEqual(["lib/b.txt"]);
    expect(paths("a[.]txt")).toEqual(["a[.]txt"]);
    expect(paths("*", project.path("lib/b.txt"))).toEqual(["*", "lib/b.txt"]);
    expect(project.draftfs(["diff", "lib/c.txt"]).code).toBe(0);
  });

  it("counts lines with --stat", () => {
    project.run("printf 'one\\ntwo\\n' > a.txt; rm lib/b.txt");
    const { out } = project.draftfs(["diff", "--stat"]);
    expect(out).toMatch(/modified +a\.txt +\+1\n.*deleted +lib\/b\.txt +−1\n/s);
    expect(out).toContain("1 modified, 1 deleted; +1 −1 lines, 8 B to write");
  });
});

describe("draftfs commit", () => {
  // SUPERCILEX/forkfs#1, tursodatabase/agentfs#59, nolabs-ai/nono#49.
  it("leaves what it is not asked for in the draft", () => {
    project.run("echo x >> a.txt; echo x >> lib/b.txt; echo x >> lib/c.txt; echo x > new");
    expect(project.draftfs(["commit", "lib", "--exclude", "c.txt"]).code).toBe(0);
    expect(project.tree()).toMatchObject({ "a.txt": "one\n", "lib/b.txt": "two\nx\n" });
    expect(project.draftfs(["status"]).out).toBe(
      "M\t1\t0\ta.txt\nM\t1\t0\tlib/c.txt\nA\t1\t0\tnew\n",
    );
    expect(project.draftfs(["commit"]).code).toBe(0);
    expect(project.read("lib/c.txt")).toBe("three\nx\n");
    expect(project.draftfs(["status"]).code).toBe(0);
  });

  it("is not offered again after a crash that came before the draft was cleared", () => {
    project.run("mv lib library; echo x > x; rm a.txt");
    const draft = project.path(".draftfs/drafts/main");
    fs.cpSync(draft, project.beside("draft"), { recursive: true });
    expect(project.draftfs(["commit"]).code).toBe(0);
    fs.cpSync(project.beside("draft"), draft, { recursive: true });
    fs.rmSync(project.path(".draftfs/drafts/main/lock"), { force: true });
    const { code, out } = project.draftfs(["status"]);
    expect({ code, out }).toEqual({ code: 0, out: "" });
    project.run("echo y > y");
    expect(project.draftfs(["status"]).out).toBe("A\t1\t0\ty\n");
  });

  it("says so when nothing is pending, and records nothing", () => {
    const { code, out } = project.draftfs(["commit"]);
    expect({ code, out }).toEqual({ code: 0, out: "Nothing is pending in the draft main.\n" });
    expect(project.json(["log"])).toMatchObject({ checkpoints: [] });
  });
});

describe("checkpoints", () => {
  it("are logged, shown, undone, redone and restored, each as one more checkpoint", () => {
    const states = [project.tree()];
    for (const step of ["echo 1 > n; rm a.txt", "mv lib library", "echo 3 > n; mkdir empty"]) {
      project.run(step);
      expect(project.draftfs(["commit", "-m", step]).code).toBe(0);
      states.push(project.tree());
    }
    expect(project.draftfs(["undo"]).code).toBe(0);
    expect(project.tree()).toEqual(states[2]);
    expect(project.draftfs(["undo", "2"]).code).toBe(0);
    expect(project.tree()).toEqual(states[0]);
    expect(project.draftfs(["redo"]).code).toBe(0);
    expect(project.tree()).toEqual(states[2]);
    expect(project.draftfs(["restore", "#1"]).code).toBe(0);
    expect(project.tree()).toEqual(states[1]);
    const { checkpoints } = project.json(["log"]) as { checkpoints?: { operation: string }[] };
    const operations = ["restore", "redo", "undo", "undo", "commit", "commit", "commit"];
    expect(checkpoints?.map(({ operation }) => operation)).toEqual(operations);
    expect(project.draftfs(["show", "#2"]).out).toMatch(
      /mv lib library.*(renamed +lib → library|deleted +lib\/b\.txt)/s,
    );
    expect(project.draftfs(["log", "-n", "1"]).out.split("\n")).toHaveLength(2);
    expect(project.draftfs(["verify"]).out).toContain("7 checkpoints");
  });

  it("are brought back in part by a redo with a count, after a look at what it would do", () => {
    const states = [project.tree()];
    for (const step of ["echo 1 > n; rm a.txt", "mv lib library", "echo 3 > n; mkdir empty"]) {
      project.run(step);
      expect(project.draftfs(["commit", "-m", step]).code).toBe(0);
      states.push(project.tree());
    }
    expect(project.draftfs(["undo", "3"]).code).toBe(0);
    const { out } = project.draftfs(["redo", "2", "--dry-run"]);
    expect(out).toMatch(/^Redo 2 operations\n.*library.*A dry run: nothing on disk has changed/s);
    expect(project.tree()).toEqual(states[0]);
    expect(project.draftfs(["redo", "2"]).code).toBe(0);
    expect(project.tree()).toEqual(states[2]);
    expect(project.draftfs(["undo"]).code).toBe(0);
    expect(project.tree()).toEqual(states[1]);
    expect(project.draftfs(["redo", "2"]).code).toBe(0);
    expect(project.tree()).toEqual(states[3]);
    const none = project.draftfs(["redo", "1"]);
    expect([none.code, none.err]).toEqual([64, expect.stringContaining("nothing can be brought")]);
    for (const wrong of ["0", "@2", "two"]) {
      const { code, err } = project.draftfs(["redo", wrong]);
      expect([code, err]).toEqual([64, expect.stringContaining("give a count from 1")]);
    }
  });

  it("can be looked at and checked by git itself", () => {
    project.run("echo x >> a.txt");
    project.draftfs(["commit", "-m", "a change"]);
    const store = "--git-dir=.draftfs/checkpoints.git";
    expect(git(store, "fsck", "--strict").status).toBe(0);
    expect(git(store, "log", "--format=%s").stdout).toContain("a change\n");
    expect(git(store, "show", "main:a.txt").stdout).toBe("one\nx\n");
  });

  it("show what an undo would delete, and touch nothing in a dry run", () => {
    project.run("echo x > new.txt; rm a.txt");
    project.draftfs(["commit"]);
    const before = project.tree();
    const { out } = project.draftfs(["undo", "--dry-run"]);
    expect(out).toMatch(/deleted +new\.txt/);
    expect(out).toMatch(/added +a\.txt/);
    expect(project.tree()).toEqual(before);
    expect(project.json(["undo", "--dry-run"])).toMatchObject({ deletions: ["new.txt"] });
  });

  it("stop an undo when what they touched has changed since: exit 3, nothing is written", () => {
    project.run("echo x >> a.txt; echo x >> lib/b.txt");
    project.draftfs(["commit"]);
    project.write("a.txt", "edited since\n");
    const before = project.tree();
    const { code, err } = project.draftfs(["undo"]);
    expect(code).toBe(3);
    expect(err).toMatch(/a\.txt.*--overwrite.* {2}a\.txt {2}changed\n/s);
    expect(project.tree()).toEqual(before);
  });

  it("are forgotten by gc beyond those to keep", () => {
    for (const text of ["1", "2", "3"]) {
      project.run(`echo ${text} > n`);
      project.draftfs(["commit"]);
    }
    expect(project.draftfs(["gc", "--keep", "2"]).out).toMatch(/Kept 2 checkpoints, forgot 1/);
    expect(project.json(["log"])["checkpoints"]).toHaveLength(2);
    expect(project.draftfs(["undo", "2"]).code).toBe(0);
    expect(project.read("n")).toBe("1\n");
  });
});

describe("a plan", () => {
  it("is applied by another process, all of it, and recorded", () => {
    project.run("echo x >> a.txt; rm -r lib; printf '\\377' > bytes");
    const plan = project.beside("plan.json");
    expect(project.draftfs(["plan", "-o", plan]).code).toBe(2);
    expect(project.draftfs(["discard"]).code).toBe(0);
    expect(project.draftfs(["status"]).code).toBe(0);
    expect(project.draftfs(["apply", plan, "-m", "planned"]).code).toBe(0);
    expect(project.tree()).toMatchObject({ "a.txt": "one\nx\n" });
    expect(fs.existsSync(project.path("lib"))).toBe(false);
    expect(fs.readFileSync(project.path("bytes"))).toEqual(Buffer.from([0xff]));
    expect(project.draftfs(["log"]).out).toContain("planned");
  });
});
