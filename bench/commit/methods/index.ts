import { createRequire } from "node:module";
import type { Method } from "../method.ts";
import {
  draftfs,
  draftfsAgain,
  draftfsCommit,
  draftfsFull,
  draftfsMinimal,
  draftfsSettled,
  draftfsStrict,
} from "./draftfs.ts";
import { defaultGit, durableGit } from "./git.ts";
import { isomorphicGit, isomorphicGitAll, writeFileAtomic } from "./packages.ts";
import { fsyncEach, parallelFsync, plainLoop, renameOnly } from "./plain.ts";

const all: Readonly<Record<string, Method>> = {
  draftfs,
  "draftfs-commit": draftfsCommit,
  "draftfs-again": draftfsAgain,
  "draftfs-full": draftfsFull,
  "draftfs-strict": draftfsStrict,
  "draftfs-minimal": draftfsMinimal,
  "draftfs-settled": draftfsSettled,
  "write-file-atomic": writeFileAtomic,
  "fsync-each": fsyncEach,
  "parallel-fsync": parallelFsync,
  rename: renameOnly,
  plain: plainLoop,
  git: durableGit,
  "git-default": defaultGit,
  "isomorphic-git": isomorphicGit,
  "isomorphic-git-all": isomorphicGitAll,
};

/**
 * Every method that can be measured here, by the name that a contestant process is started with:
 * without those of packages that are not installed.
 */
export const methods: Readonly<Record<string, Method>> = Object.fromEntries(
  Object.entries(all).filter(([, method]) => isInstalled(method.package)),
);

function isInstalled(name: string | undefined): boolean {
  if (name === undefined) return true;
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
