import type { Method } from "../method.ts";
import { defaultGit, durableGit } from "./git.ts";
import { isomorphicGit, writeFileAtomic } from "./packages.ts";
import { fsyncEach, parallelFsync, plainLoop, renameOnly } from "./plain.ts";

/** Every method that is measured, by the name that a contestant process is started with. */
export const methods: Readonly<Record<string, Method>> = {
  plain: plainLoop,
  rename: renameOnly,
  "fsync-each": fsyncEach,
  "parallel-fsync": parallelFsync,
  "write-file-atomic": writeFileAtomic,
  "isomorphic-git": isomorphicGit,
  git: durableGit,
  "git-default": defaultGit,
};
