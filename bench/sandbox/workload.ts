import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { projectDirectory } from "../../test/support/project-directory.ts";

/** A real command, and the directory that it works in. */
export interface Workload {
  readonly name: string;
  readonly root: string;
  readonly script: string;
  /** Run first, not counted. */
  readonly before?: string;
  /** Whether it meets a tree that nobody has looked at since it was mounted. */
  readonly isFirst?: boolean;
}

/** Commands over a tree of `files` small files that is a git repository. */
export function treeWorkloads(root: string, files: number): Workload[] {
  return [
    { name: "true", root, script: "true" },
    { name: `find, ${files} files`, root, script: "find . -type f | wc -l" },
    {
      name: `the same, first of a session`,
      root,
      script: "find . -type f | wc -l",
      isFirst: true,
    },
    { name: `read ${files} files`, root, script: "cat d*/* > /dev/null" },
    { name: "git status", root, script: "git status --porcelain" },
    {
      name: `write ${files} files`,
      root,
      before: "rm -rf m",
      script: `mkdir m; i=0; while [ $i -lt ${files} ]; do echo $i >m/$i; i=$((i+1)); done`,
    },
  ];
}

/** Commands over this project; none where it was not installed. */
export function projectWorkloads(): Workload[] {
  const root = projectDirectory();
  if (!fs.existsSync(join(root, "node_modules", "typescript"))) return [];
  return [
    { name: "npm ls --all", root, script: "npm ls --all" },
    { name: "tsc --noEmit", root, script: "node_modules/.bin/tsc -p . --noEmit" },
  ];
}

/** An installation of this project's packages from the cache of npm, in a directory of its own. */
export function installWorkload(): Workload & { remove(): void } {
  const root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-bench-npm-")));
  for (const name of ["package.json", "package-lock.json"]) {
    fs.copyFileSync(join(projectDirectory(), name), join(root, name));
  }
  return {
    name: "npm ci",
    root,
    before: "rm -rf node_modules",
    script: "npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --silent",
    remove: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}

/** Runs a script as it is without draftfs. @returns milliseconds. */
export function outside(script: string, cwd: string): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    spawn("sh", ["-c", script], { cwd, stdio: "ignore" }).once("close", () =>
      resolve(performance.now() - startedMs),
    );
  });
}
