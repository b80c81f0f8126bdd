import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { isBelow } from "../../disk/mount-table.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { wayTo } from "../../ways.ts";
import type { NamespacePlan } from "./namespace-script.ts";

/** A directory that commands can write to and that goes with the sandbox; paths are below it. */
export interface LostPlace {
  /** Where this process finds it. */
  readonly path: string;
  /** Whether something is not looked at: it is kept, or meant to be lost. */
  leavesOut(path: TreePath): boolean;
  /** Whether a file, or all below a directory, is what commands need only while they run. */
  isScratch(path: TreePath, isDirectory: boolean): boolean;
  /** What the paths of files begin with, as people know them. */
  readonly prefix: string;
  /** The warning about some files, which are counted and named. */
  tell(files: string): string;
}

/**
 * A home directory that is thrown away. Caches and settings are meant to be; but a project can lie
 * there around the tree (a workspace above a package) or beside it (the repository of a worktree).
 * So all is told but what lies in hidden entries.
 */
export function lostHome(path: string): LostPlace {
  return {
    path,
    leavesOut: (written) => written.startsWith("."),
    isScratch: () => false,
    prefix: "~/",
    tell: (files) =>
      `What the command has written into the home directory is thrown away: ${files}. Where ` +
      "that is work and no cache, take a root that holds it, or keep the home directory with " +
      `${wayTo("keepHome")}.`,
  };
}

/**
 * The private directory that a tree lies in, as a project in `/tmp` does. What is left between the
 * two is nobody's scratch. Of what is left in the private directory itself, beside a tree that lies
 * right there, only files are told that are not hidden, and what is in directories that the host
 * has as well: neighbours of the tree, if they are no caches.
 *
 * @param pid of process 1 of the namespace.
 * @returns `undefined` where what lies around the tree is not private.
 */
export function lostBeside(plan: NamespacePlan, pid: number): LostPlace | undefined {
  const top = privateAround(plan);
  if (top === undefined) return undefined;
  const absolute = (path: TreePath): string => `${top}/${path}`;
  const isWay = (path: TreePath): boolean => isBelow(plan.root, absolute(path));
  const isBesideTree = dirname(plan.root) === top;
  const ownPlaces = new Set([plan.root, plan.discarded, ...plan.kept.keys(), ...boundIn(plan)]);
  const way = wayTo(top === "/run" ? "shareSockets" : "shareTemporary");
  return {
    path: `/proc/${pid}/root${top}`,
    leavesOut: (path) => ownPlaces.has(absolute(path)),
    isScratch(path, isDirectory) {
      if (path.includes("/") || (isDirectory && isWay(path))) return false;
      if (!isBesideTree || path.startsWith(".")) return true;
      return isDirectory && (/cache/i.test(path) || !existsSync(absolute(path)));
    },
    prefix: `${top}/`,
    tell: (files) =>
      `What the command has written beside the tree is thrown away, because ${top} is private ` +
      `to commands: ${files}. Take a root that holds it, or share ${top} with ${way}: what is ` +
      "written there is on the disk at once then, and cannot be undone.",
  };
}

/** The directory in which a copy of the tree lies, and nothing else. */
export function lostBesideCopy(directory: string, tree: string): LostPlace {
  return {
    path: directory,
    leavesOut: (path) => path === tree,
    isScratch: () => false,
    prefix: "../",
    tell: (files) =>
      "What the command has written beside its copy of the tree is thrown away: " +
      `${files}. Take a root that holds it.`,
  };
}

/** The private directory around the tree, unless there is something else of ours in between. */
function privateAround(plan: NamespacePlan): string | undefined {
  const isShared = plan.temporary !== "private";
  const ownMemory = plan.isHostRoot && !isShared ? ["/dev/shm"] : [];
  const nearest = [
    ...plan.emptied,
    ...ownMemory,
    ...(plan.discarded === undefined ? [] : [plan.discarded]),
    ...boundIn(plan),
  ]
    .filter((path) => path !== plan.root && isBelow(plan.root, path))
    .reduce((longest, path) => (path.length > longest.length ? path : longest), "");
  return [...plan.emptied, ...ownMemory].includes(nearest) ? nearest : undefined;
}

function boundIn({ bound }: NamespacePlan): string[] {
  return bound.map(({ path }) => path);
}
