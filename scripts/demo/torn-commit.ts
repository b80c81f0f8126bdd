import { spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";

/** What a killed commit left behind. */
export interface TornCommit {
  /** Files that hold the new content already. */
  readonly replaced: number;
  /** Whether the kill came before the command had ended by itself. */
  readonly killed: boolean;
}

/**
 * Starts a commit that replaces `paths`, watches the files from outside as any other program could,
 * and kills it by SIGKILL as soon as the first of them has been replaced.
 *
 * @param command - the program and its arguments.
 */
export async function tearCommit(
  command: readonly [string, ...string[]],
  root: string,
  paths: readonly string[],
): Promise<TornCommit> {
  const inodes = paths.map((path) => inodeOf(root, path));
  const isReplaced = (index: number): boolean =>
    inodeOf(root, paths[index] ?? "") !== inodes[index];
  // Commits may take the paths in any order: a few spread over all of them tell of the first ones.
  const watched = [0, 1, 2, 3, 4].map((part) => Math.floor((part * (paths.length - 1)) / 4));

  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: "ignore" });
  let running = true;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      running = false;
      resolve();
    });
  });
  while (running) {
    for (let look = 0; look < looksPerTurn; look++) {
      if (watched.some(isReplaced)) {
        child.kill("SIGKILL");
        running = false;
        break;
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  const replaced = paths.filter((_path, index) => isReplaced(index)).length;
  return { replaced, killed: child.signalCode === "SIGKILL" };
}

/** Looks at the tree between two looks at whether the command still runs. */
const looksPerTurn = 50;

function inodeOf(root: string, path: string): number {
  return fs.lstatSync(join(root, path), { throwIfNoEntry: false })?.ino ?? 0;
}
