import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { buildCommandLine, commandLinePath } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "large.txt": randomBytes(100_000).toString("hex"), a: "a\n" });
});
afterEach(() => project[Symbol.dispose]());

// A file may not grow beyond a bound: the system takes the part of a write that fits, as a full disk
// does, and only the next one fails.
it.each([4096, 250_000])(
  "fabiospampinato/atomically#18, coder/xum#4282: writes cut off at %i bytes publish nothing",
  (bound) => {
    const before = project.tree();
    project.run(
      "tr 0-9 a-j < large.txt > t; mv t large.txt; cat large.txt large.txt > new; echo b > a",
    );
    const words = [`--fsize=${bound}`, process.execPath, commandLinePath, "commit"];
    const cut = spawnSync("prlimit", words, { cwd: project.root, encoding: "utf8" });
    expect(cut).toMatchObject({ status: 1, stderr: expect.stringContaining("EFBIG") });
    expect(project.tree()).toEqual(before);
    expect(project.draftfs(["commit"]).code).toBe(0);
    expect(project.read("a")).toBe("b\n");
    expect(project.read("new")).toBe(project.read("large.txt").repeat(2));
    expect(project.draftfs(["undo"]).code).toBe(0);
    expect(project.tree()).toEqual(before);
  },
);
