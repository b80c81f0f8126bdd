import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;
let script: string;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "own.sh": "exit 1\n" });
  script = join(fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-script-"))), "script.sh");
  fs.writeFileSync(script, "exit 5\n");
});
afterEach(() => {
  project[Symbol.dispose]();
  fs.rmSync(join(script, ".."), { recursive: true });
});

it("a command that is given a file of the hidden temporary directory is told of it", () => {
  const outcome = project.draftfs(["run", "--", "sh", script]);
  expect(outcome.code).not.toBe(0);
  expect(outcome.err).toContain(`cannot see ${script}`);
  expect(outcome.err).toContain("--temporary read-only");
});

it.each([
  ["a program", ["tool"], "tool"],
  ["what a script calls", ["sh", "-c", "tool"], ""],
])("%s that PATH finds in the hidden temporary directory is told of", (_what, command, name) => {
  const directory = join(script, "..");
  fs.writeFileSync(join(directory, "tool"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
  const env = { ...process.env, PATH: `${directory}:${process.env["PATH"]}` };
  const outcome = project.draftfs(["run", "--", ...command], { env });
  expect(outcome.code).toBe(127);
  expect(outcome.err).toContain(`cannot see ${join(directory, name)}: `);
  const shown = project.draftfs(["run", "--temporary", "read-only", "--", ...command], { env });
  expect(shown).toMatchObject({ code: 0, out: "ran\n", err: "" });
});

it.each([
  ["it is shown", () => ["--temporary", "read-only", "--", "sh", script], 5],
  ["it lies in the tree", () => ["--", "sh", project.path("own.sh")], 1],
  ["the command does without it", () => ["--", "sh", "-c", "exit 0", script], 0],
  ["there is no such file", () => ["--", "sh", "-c", "exit 3", `${script}.none`], 3],
])("nothing is said where %s", (_where, args, code) => {
  const outcome = project.draftfs(["run", ...args()]);
  expect(outcome.code).toBe(code);
  expect(outcome.err).not.toContain("cannot see");
});
