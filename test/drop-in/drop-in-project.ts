import { execFileSync } from "node:child_process";
import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import {
  changesBetween,
  type Fingerprint,
  fingerprintOf,
} from "../conformance/harness/lower-guard.ts";
import type { Fs } from "../conformance/harness/seed.ts";

/** A git repository on the disk and a fresh overlay over it for each test. */
export interface DropInProject {
  root: string;
  layer: Layer;
  /** The overlay in the shape of `node:fs`. */
  fs: Fs;
}

const files: Readonly<Record<string, string>> = {
  "README.md": "# A project\n",
  "src/index.ts": "export const answer = 42;\n",
  "src/deep/er/leaf.ts": "export {};\n",
  "docs/a.md": "a\n",
  "docs/b.md": "b\n",
  "bin/run.sh": "#!/bin/sh\n",
};

/** Registers the project's life; after each test the disk must be as it was. */
export function useDropInProject(): DropInProject {
  const project = {} as DropInProject;
  let before: Fingerprint;
  beforeAll(() => {
    project.root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-drop-in-")));
    for (const [path, text] of Object.entries(files)) {
      nodeFs.mkdirSync(dirname(join(project.root, path)), { recursive: true });
      nodeFs.writeFileSync(join(project.root, path), text);
    }
    nodeFs.chmodSync(join(project.root, "bin/run.sh"), 0o755);
    git(project.root, "init", "--quiet", "--initial-branch=main");
    git(project.root, "add", ".");
    git(project.root, "commit", "--quiet", "--message=first");
  });
  beforeEach(() => {
    before = fingerprintOf(nodeFs, project.root);
    project.layer = openLayer({ root: project.root });
    project.fs = project.layer.fs as unknown as Fs;
  });
  afterEach(() => {
    project.layer.close();
    expect(changesBetween(before, fingerprintOf(nodeFs, project.root))).toEqual([]);
  });
  afterAll(() => nodeFs.rmSync(project.root, { recursive: true, force: true }));
  return project;
}

/** Runs the real git, away from the user's configuration. */
export function git(directory: string, ...args: readonly string[]): string {
  const identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.test"];
  return execFileSync("git", ["-C", directory, ...identity, ...args], {
    encoding: "utf8",
    env: { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
  });
}
