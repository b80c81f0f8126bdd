import { spawn } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { openSession, type Session } from "../../src/sandbox/session.ts";
import type { Engine, SessionOptions } from "../../src/sandbox/session-options.ts";
import { projectDirectory } from "../support/project-directory.ts";
import { removeTree } from "../support/remove-tree.ts";

export const isRoot = process.geteuid?.() === 0;

/** Whether this user may serve FUSE mounts. */
export const canServeFuse = ((): boolean => {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
})();

/** The engines that this user can have on this machine. */
export const kernelEngines: readonly Engine[] = isRoot
  ? ["overlay", "overlay-user"]
  : ["overlay-user"];

/** All engines, the cooperative one too. */
export const allEngines: readonly Engine[] = [...kernelEngines, "clone"];

/**
 * So that commands can run programs of this project, also where it lies below a directory that they
 * would have a private one of.
 */
export const withProject: Pick<SessionOptions, "temporary"> = /^\/(var\/)?tmp\//.test(
  projectDirectory(),
)
  ? { temporary: "shared" }
  : {};

/** A new directory that is removed after the test. */
export function scratchDirectory(parent = tmpdir()): string {
  const directory = realpathSync(mkdtempSync(join(parent, "draftfs-sandbox-")));
  onTestFinished(() => {
    removeTree(directory);
  });
  return directory;
}

/** A real tree with these files. */
export function treeOf(files: Readonly<Record<string, string>>): string {
  const root = join(scratchDirectory(), "tree");
  mkdirSync(root);
  chmodSync(root, 0o755);
  writeFiles(root, files);
  return root;
}

/** Writes files below a directory, with the directories that they need. */
export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

export interface Opened {
  readonly root: string;
  readonly layer: Layer;
  readonly session: Session;
  /** Runs a shell script in the session and returns what it printed. */
  sh(script: string): Promise<string>;
}

/** A layer and a session over `root`, closed after the test. */
export async function openOver(root: string, options: SessionOptions = {}): Promise<Opened> {
  const layer = openLayer({ root });
  const require = options.engine === "clone" ? "cooperative" : "enforced";
  const session = await openSession(layer, { require, ...options });
  onTestFinished(async () => {
    await session.close();
    layer.close();
  });
  return { root, layer, session, sh: (script) => shellIn(session, script) };
}

async function shellIn(session: Session, script: string): Promise<string> {
  const spawned = await session.spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  spawned.child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  spawned.child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  await spawned.result;
  return Buffer.concat(chunks).toString();
}

/** The tree as a command sees it, packed inside of the session and unpacked on the real disk. */
export async function exportTree(session: Session): Promise<string> {
  const directory = scratchDirectory();
  const unpack = spawn("tar", ["-xpf", "-", "-C", directory], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  const unpacked = new Promise((resolve) => unpack.once("close", resolve));
  const args = ["-cf", "-", "--format=posix", "."];
  const pack = await session.spawn("tar", args, { stdio: ["ignore", "pipe", "ignore"] });
  pack.child.stdout?.pipe(unpack.stdin);
  await pack.result;
  await unpacked;
  return directory;
}
