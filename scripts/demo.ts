import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Story } from "./demo/story.ts";
import { tearCommit } from "./demo/torn-commit.ts";
import { differences, printOfTree, type TreePrint } from "./demo/tree-print.ts";

/*
 * The whole job on real input. This project, its node_modules included, is copied to a scratch
 * directory, changed by real commands over a draft, committed, torn by a kill, recovered, undone,
 * and compared byte for byte at every step.
 */

const project = projectDirectory();
const scratch = fs.mkdtempSync(join(os.tmpdir(), "draftfs-demo-"));
const copy = join(scratch, "project");
const control = join(scratch, "control");
const ours: ReadonlySet<string> = new Set([".draftfs"]);

/** Real commands: the formatter of this project with other settings, and npm itself. */
const format = [
  ...["npx", "--no-install", "biome", "format", "--write", "--vcs-enabled=false"],
  ...["--indent-style=tab", "--line-width=80", "src", "test"],
];
const uninstall = [
  ...["npm", "uninstall", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", "publint"],
];
/** Touches hundreds of files, so that their commit takes long enough to be hit in the middle. */
const touchMany = [
  "sh",
  "-c",
  "find node_modules -name '*.md' -type f -size +0 -exec sed -i '1i <!-- draft -->' {} +",
];

const story = new Story();

const notCopied: ReadonlySet<string> = new Set([
  ...[".git", ".draftfs", "bench", "coverage", "dist", "dist-scripts"],
]);

/** A commit is hit in the middle nearly always; a busy machine may need a second attempt. */
const attemptsMax = 10;

async function tell(): Promise<void> {
  const start = await story.step(
    "copy this project, with its node_modules, to a scratch directory",
    copies,
  );
  await story.step("run a formatter over a draft of it", () => runOverDraft(format));
  await story.step("run npm over the same draft", () => runOverDraft(uninstall));
  await story.step("what is pending", () => {
    story.tell(draftfs(["diff", "--stat"], 2), 16);
  });
  await story.step("not one byte of the copy has changed", () => {
    requireSame(start, printOfTree(copy, ours));
    story.tell(`${start.size} paths compared: kind, mode, size, SHA-256`);
  });
  const expected = await story.step("the same commands without draftfs, on another copy", () => {
    for (const command of [format, uninstall]) plainly(command);
    return printOfTree(control);
  });
  await story.step("commit", () => {
    story.tell(draftfs(["commit", "-m", "format, and without publint"], 0), 12);
  });
  await story.step("all of it has changed, exactly as without draftfs", () => {
    const now = printOfTree(copy, ours);
    requireSame(expected, now);
    story.tell(`${differences(start, now).length} paths differ from the start`);
  });
  await tearInTheMiddle(expected);
  await story.step("undo everything", () => {
    const log = JSON.parse(draftfs(["log", "--json"], 0)) as { checkpoints: unknown[] };
    story.tell(draftfs(["undo", String(log.checkpoints.length)], 0), 12);
  });
  await story.step("the copy is what it was at the start, byte for byte", () => {
    requireSame(start, printOfTree(copy, ours));
    story.tell(draftfs(["verify"], 0));
  });
}

/** Kills a second commit in the middle and lets the next command find out. */
async function tearInTheMiddle(before: TreePrint): Promise<void> {
  await story.step("change hundreds of files in the draft", () => runOverDraft(touchMany));
  const paths = [...before.keys()].filter(
    (path) => /^node_modules\/.*\.md$/.test(path) && /^file \S+ [1-9]/.test(before.get(path) ?? ""),
  );
  for (let attempt = 1; ; attempt++) {
    const torn = await story.step("kill its commit in the middle, by SIGKILL", async () => {
      const command = [
        process.execPath,
        commandLine(),
        "commit",
        "-C",
        copy,
        "-m",
        "torn",
      ] as const;
      const result = await tearCommit([...command], copy, paths);
      story.tell(`killed when ${result.replaced} of ${paths.length} files were replaced`);
      return result;
    });
    if (torn.killed && torn.replaced > 0 && torn.replaced < paths.length) break;
    if (attempt === attemptsMax) throw new Error("the commit was never hit in the middle");
    story.tell("that was too late; undo it and try again");
    draftfs(["undo"], 0);
    runOverDraft(touchMany);
  }
  await story.step("the next command recovers by itself", () => {
    story.tell(draftfs(["status"], 0));
    const now = printOfTree(copy, ours);
    const old = paths.filter((path) => now.get(path) === before.get(path)).length;
    if (old > 0) throw new Error(`${old} of ${paths.length} files are still the old ones`);
    story.tell(`all ${paths.length} files are the new ones`);
  });
}

function copies(): TreePrint {
  copyProject(copy);
  copyProject(control);
  const print = printOfTree(copy);
  story.tell(`${print.size} paths`);
  return print;
}

/** All of the working directory but git's own and what the build or a test left. */
function copyProject(target: string): void {
  fs.mkdirSync(target);
  const names = fs.readdirSync(project).filter((name) => !notCopied.has(name));
  check("cp", ["-a", "--reflink=auto", ...names.map((name) => join(project, name)), target]);
  fs.rmSync(join(target, "node_modules", ".cache"), { recursive: true, force: true });
}

function runOverDraft(command: readonly string[]): void {
  story.tell(`$ draftfs run -- ${command.join(" ")}`);
  story.tell(draftfs(["run", "--", ...command], 0), 12);
}

function plainly(command: readonly string[]): void {
  const [program = "", ...args] = command;
  check(program, args, control);
}

/** Runs draftfs on the copy as a process of its own and returns what it printed. */
function draftfs(args: readonly string[], exitCode: number): string {
  const [name = "", ...rest] = args;
  const result = spawnSync(process.execPath, [commandLine(), name, "-C", copy, ...rest], {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (result.status === exitCode) return result.stdout + result.stderr;
  throw new Error(`draftfs ${args.join(" ")} ended with ${result.status}:\n${result.stderr}`);
}

function check(program: string, args: readonly string[], cwd?: string): void {
  const result = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (result.status === 0) return;
  throw new Error(`${program} ended with ${result.status}: ${result.stderr}`);
}

function requireSame(expected: TreePrint, actual: TreePrint): void {
  const paths = differences(expected, actual);
  if (paths.length === 0) return;
  throw new Error(`${paths.length} paths differ: ${paths.slice(0, 5).join(", ")}`);
}

function commandLine(): string {
  return join(project, "dist", "main.js");
}

function projectDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!fs.existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return directory;
}

try {
  await tell();
  fs.rmSync(scratch, { recursive: true, force: true });
  story.succeed();
} catch (error) {
  process.stdout.write(`\ndemo: FAILED: ${error instanceof Error ? error.message : error}\n`);
  process.stdout.write(`What is left of it: ${scratch}\n`);
  process.exitCode = 1;
}
