import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { buildCommandLine, commandLinePath } from "../support/built-command-line.ts";
import { projectDirectory } from "../support/project-directory.ts";
import { ScratchProject } from "./scratch-project.ts";

const readme = fs.readFileSync(join(projectDirectory(), "README.md"), "utf8");

/** The code blocks of the README in one language. */
function blocksOf(language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...readme.matchAll(pattern)].map((match) => match[1] ?? "");
}

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  const scripts = { format: "echo formatted > src/main.js", test: "grep formatted src/main.js" };
  project = new ScratchProject({
    "package.json": JSON.stringify({ name: "example", type: "module", scripts }),
    "src/main.js": "unformatted\n",
  });
});
afterEach(() => project[Symbol.dispose]());

describe("the README", () => {
  it("shows a session on the command line that works as it stands", () => {
    const bin = project.beside("bin");
    fs.mkdirSync(bin);
    const shim = `#!/bin/sh\nexec '${process.execPath}' '${commandLinePath}' "$@"\n`;
    fs.writeFileSync(join(bin, "draftfs"), shim, { mode: 0o755 });
    const env = { ...process.env, PATH: [bin, process.env["PATH"]].join(delimiter) };
    const [session] = blocksOf("sh");
    const lines = (session ?? "").split("\n").filter((line) => line.startsWith("draftfs "));
    const ends = lines.map((line) => {
      const { status, stderr } = spawnSync("sh", ["-c", line], {
        cwd: project.root,
        env,
        encoding: "utf8",
      });
      const showsPending = /^draftfs (status|diff)/.test(line);
      const isRight = status === (showsPending ? 2 : 0);
      return isRight ? "right" : `${line} ended with ${status}: ${stderr}`;
    });
    expect(ends).toHaveLength(10);
    expect(new Set(ends)).toEqual(new Set(["right"]));
    expect(project.tree()).toMatchObject({ "src/main.js": "formatted\n" });
  });

  it.each(blocksOf("js"))("shows code that works as it stands (%#)", (code) => {
    const directory = project.beside("program");
    fs.mkdirSync(join(directory, "node_modules"), { recursive: true });
    fs.symlinkSync(projectDirectory(), join(directory, "node_modules", "draftfs"));
    fs.cpSync(project.root, join(directory, "project"), { recursive: true });
    fs.writeFileSync(join(directory, "example.mjs"), code);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["example.mjs"], {
      cwd: directory,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const names = fs.readdirSync(join(directory, "project"));
    if (code.includes("transact")) expect(names).toContain("lib");
    else expect(stdout).toContain("+export const answer = 42;");
    expect(names.includes("src")).toBe(!code.includes("transact"));
  });

  it("links only to files that exist", () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? "");
    const missing = links.filter((link) => !fs.existsSync(join(projectDirectory(), link)));
    expect(links.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  it("and docs/cli.md list the same exit codes as the code", () => {
    const own = Object.values(exitCodes).filter((code) => code < 126);
    const reference = fs.readFileSync(join(projectDirectory(), "docs", "cli.md"), "utf8");
    const codesIn = (text: string): number[] =>
      [...text.matchAll(/^\| (\d+) \| /gm)].map((match) => Number(match[1]));
    expect(codesIn(readme)).toEqual(own);
    expect(codesIn(reference)).toEqual(own);
    for (const code of [126, 127]) expect(reference).toMatch(new RegExp(`\\b${code}\\b`));
  });
});
