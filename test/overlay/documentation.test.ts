import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { projectDirectory } from "../support/project-directory.ts";

beforeAll(buildCommandLine);

/** The example in a document that has a word in it, run by a user of the package. */
function runExample(
  document: string,
  word: string,
  files: Record<string, string>,
  flags: string[],
) {
  const text = fs.readFileSync(join(projectDirectory(), "docs", document), "utf8");
  const examples = [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
  const program = examples.find((example) => example.includes(word)) ?? "";
  const directory = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-example-")));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  for (const [path, content] of Object.entries({ ...files, "program.mjs": program })) {
    fs.mkdirSync(dirname(join(directory, path)), { recursive: true });
    fs.writeFileSync(join(directory, path), content);
  }
  fs.mkdirSync(join(directory, "node_modules"));
  fs.symlinkSync(projectDirectory(), join(directory, "node_modules", "draftfs"));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, "program.mjs"], {
    cwd: directory,
    encoding: "utf8",
    env,
  });
  return { status, stdout, stderr, directory };
}

test("the overlays in memory of docs/fs.md hold what it says", () => {
  const files = { "project/src/a.ts": "one\n" };
  const { status, stdout, stderr } = runExample("fs.md", "memoryOverlay", files, []);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toBe("[ 'a.txt' ]\n[ 'new.txt' ] true\n");
});

test("the mocks of node:test in docs/testing.md reach node:fs, and the disk stays as it was", () => {
  const built = "fixtures/project/build/out.js";
  const flags = ["--experimental-test-module-mocks"];
  const { status, stdout, directory } = runExample(
    "testing.md",
    "mock.module",
    { [built]: "built\n" },
    flags,
  );
  expect(stdout).toMatch(/pass 2\n[\s\S]*fail 0\n/);
  expect(status).toBe(0);
  expect(fs.readFileSync(join(directory, built), "utf8")).toBe("built\n");
});
