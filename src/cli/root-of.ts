import process from "node:process";
import { findRoot } from "../disk/state/find-root.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { printable } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

type RootOptions = Pick<CommonOptions, "directory" | "json">;

/**
 * The directory to work on: the one that was named, else the nearest root at or above the working
 * directory, else the working directory. Says which one it is when nobody may have expected it.
 */
export function rootOf({ err }: CommandContext, { directory, json }: RootOptions): string {
  if (directory !== undefined) return directory;
  const here = workingDirectory();
  const found = findRoot(here);
  if (found === undefined || found === here) return here;
  if (json !== true) err.write(`draftfs: the root is ${printable(found)}\n`);
  return found;
}

/** What relative paths in arguments are relative to: a root that was named, else where we are. */
export function baseOf(root: string, { directory }: RootOptions): string {
  return directory === undefined ? workingDirectory() : root;
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    throw new UsageError(
      "The working directory is gone. Go to one that is there, or name a root with -C <directory>.",
    );
  }
}
