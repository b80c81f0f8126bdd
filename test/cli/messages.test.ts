import { mkdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canServeFuse, isRoot } from "../sandbox/sandbox-fixture.ts";
import { buildCommandLine, commandLinePath, type Outcome } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n", "b.txt": "two\n" });
});
afterEach(() => project[Symbol.dispose]());

/** Whether commands have a private directory of those that projects of tests lie in. */
const isPrivate = /^\/(var\/)?tmp(\/|$)/.test(realpathSync(tmpdir()));

/** Names of the library: calls, and options as code gives them. */
const codeName = /commitWith|commitForce|uncommittedBytesMax|\(\w+\)|\w+: (true|"\w+")/;

function expectOptionsAlone({ err }: Outcome, ...options: readonly string[]): void {
  for (const option of options) expect(err).toContain(option);
  expect(err).not.toMatch(codeName);
}

describe("messages name options of the command line, and nothing of the library", () => {
  it("when a commit meets a conflict, merging too, and in documents", () => {
    project.run("echo mine > a.txt; echo mine > b.txt");
    project.write("a.txt", "theirs\n");
    const commit = project.draftfs(["commit"]);
    expect(commit.code).toBe(3);
    expectOptionsAlone(commit, "--merge", "--overwrite", "--exclude");
    const merge = project.draftfs(["commit", "--merge"]);
    expect(merge.code).toBe(3);
    expectOptionsAlone(merge, "--overwrite", "--exclude");
    const { error } = project.json(["commit"]) as unknown as { error: { message: string } };
    expect(error.message).toMatch(/--merge, overwrite/);
    expect(error.message).not.toMatch(codeName);
  });

  it("each of which does what it says", () => {
    project.run("echo mine > a.txt; echo mine > b.txt");
    project.write("a.txt", "theirs\n");
    expect(project.draftfs(["commit", "--exclude", "a.txt"]).code).toBe(0);
    expect(project.tree()).toEqual({ "a.txt": "theirs\n", "b.txt": "mine\n" });
    expect(project.draftfs(["commit", "--overwrite"]).code).toBe(0);
    expect(project.read("a.txt")).toBe("mine\n");
  });

  it("when an undo meets a conflict", () => {
    project.run("echo mine > a.txt");
    project.draftfs(["commit"]);
    project.write("a.txt", "theirs\n");
    const undo = project.draftfs(["undo"]);
    expect(undo.code).toBe(3);
    expectOptionsAlone(undo, "--overwrite", "drift");
    expect(project.draftfs(["drift"]).out).toContain("a.txt");
    expect(project.draftfs(["undo", "--overwrite"]).code).toBe(0);
    expect(project.draftfs(["show", "latest", "--patch"]).out).toContain("-theirs");
  });

  it("when a directory is no root", () => {
    expectOptionsAlone(project.draftfs(["status", "-C", "/"]), "--force");
    project.run("mkdir inner; echo x > inner/x");
    project.draftfs(["commit"]);
    const inner = project.draftfs(["run", "-C", "inner", "true"]);
    expect(inner.code).toBe(64);
    expectOptionsAlone(inner, "--force");
  });

  it("when a limit is reached", () => {
    const outcome = project.draftfs([
      "run",
      "--limit-writes",
      "1M",
      "--",
      "dd",
      "if=/dev/zero",
      "of=big",
      "bs=64k",
      "count=64",
    ]);
    expectOptionsAlone(outcome, "Raise that limit with --limit-writes,");
  });

  it("when the home directory is thrown away", () => {
    const home = project.beside("home");
    mkdirSync(home);
    const env = { ...process.env, HOME: home };
    const outcome = project.draftfs(["run", "--", "sh", "-c", "echo x > ~/x"], { env });
    expectOptionsAlone(outcome, "--home open.");
  });

  it.runIf(isPrivate)("when what lies beside the root is thrown away, and in documents", () => {
    const outcome = project.draftfs(["run", "--", "sh", "-c", "echo x > ../sibling"]);
    expect(outcome.err).toContain(project.beside("sibling"));
    expectOptionsAlone(outcome, "--temporary shared:");
    const { command } = JSON.parse(
      project.draftfs(["run", "--json", "--", "sh", "-c", "echo x > ../sibling"]).out,
    ) as { command: { warnings: string[] } };
    expect(command.warnings.join("\n")).toContain("with --temporary shared:");
  });
});

describe("draftfs in a command of draftfs", () => {
  const nested = /command that draftfs runs in a sandbox.*pending already/;
  /** Shared, so that a command finds the built program wherever it lies. */
  const inside = (engine: string, ...args: readonly string[]) => {
    const command = [process.execPath, commandLinePath, ...args];
    return project.draftfs(["run", "--temporary", "shared", "--engine", engine, "--", ...command]);
  };

  it.runIf(isRoot)("is told why it gets no sandbox, and nothing of mounts of ours", () => {
    const { code, err } = inside("overlay", "run", "--", "cat", "a.txt");
    expect(code).toBe(4);
    expect(err).toMatch(nested);
    expect(err).not.toMatch(/holds mounts|Docker|doctor/);
  });

  it.runIf(canServeFuse)("is told why it can keep nothing", () => {
    const { code, err } = inside("fuse", "run", "--", "cat", "a.txt");
    expect(code).toBe(1);
    expect(err).toMatch(nested);
    expect(err).not.toContain("permissions");
  });
});

describe("what cannot be meant is told in words", () => {
  it("help of what is no command", () => {
    const { code, out, err } = project.draftfs(["help", "comit"]);
    expect([code, out]).toEqual([64, ""]);
    expect(err).toMatch(/^error: unknown command 'comit'\n\(Did you mean commit\?\)/);
    expect(project.draftfs(["help", "commit"]).out).toMatch(/^Usage: draftfs commit /);
    expect(project.draftfs(["help"]).out).toMatch(/^Usage: draftfs /);
  });

  it.each([
    ["--env", "=value"],
    ["--env", ""],
    ["--unset-env", "NAME=value"],
  ])("a variable without a name: %s %s", (option, value) => {
    const { code, err } = project.draftfs(["run", option, value, "true"]);
    expect([code, err]).toEqual([64, expect.stringContaining(`argument '${value}' is invalid`)]);
  });

  it("an undo where nothing was committed, and where all has been undone", () => {
    expect(project.draftfs(["undo"]).err).toContain("nothing was committed yet");
    project.run("echo x > a.txt");
    project.draftfs(["commit"]);
    project.draftfs(["undo"]);
    const { code, err } = project.draftfs(["undo"]);
    expect(code).toBe(64);
    expect(err).toContain("undone already (redo brings it back)");
  });

  it("a file that cannot be written", () => {
    project.run("echo x > a.txt");
    const { code, err } = project.draftfs(["plan", "-o", "none/plan"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^draftfs: Cannot write none\/plan: ENOENT/);
  });
});
