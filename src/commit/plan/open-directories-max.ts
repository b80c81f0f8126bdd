import { descriptorLimit } from "../../disk/node/descriptor-limit.ts";
import {
  backgroundFilesMin,
  manyPinnedDirectoriesMax,
  pinnedDirectoriesMax,
} from "../../limits.ts";
import type { CommitPlan } from "./plan.ts";

/** How many directories to hold open. With many files, each phase passes through all of them. */
export function openDirectoriesMaxOf({ staged }: CommitPlan): number {
  if (staged.length < backgroundFilesMin) return pinnedDirectoriesMax;
  return Math.min(manyPinnedDirectoriesMax, Math.floor(descriptorLimit() / 8));
}
