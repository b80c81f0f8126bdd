import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { absoluteOf, childOf, nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { Change } from "../change-set/change-set.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import type { CommitStore } from "../commit-store.ts";
import type { StagingPlace } from "../stage/staging-place.ts";
import { Directories } from "../tree/directories.ts";
import type { CheckFinding } from "./check-finding.ts";

/** Two names that a commit puts into one directory. */
interface Pair {
  readonly directory: TreePath;
  readonly first: string;
  readonly second: string;
}

/**
 * Finds names that a commit would put into one directory and that its file system does not tell
 * apart, because it folds case (vfat, ext4 with `chattr +F`, macOS) or normalises. One would take
 * the place of the other in the middle of the commit.
 *
 * Nothing is looked at unless there are such names at all. What a file system does differs from
 * directory to directory, so it is asked there by the other case of a name that it holds; where it
 * holds none, two files are made in the staging place, which is on the same file system.
 *
 * @param staging the staging place of the commit, empty as yet or not there.
 */
export function findCollidingNames(
  { disk, state }: CommitStore,
  changes: readonly Change[],
  staging: Pick<StagingPlace, "path" | "make">,
): CheckFinding[] {
  const pairs = findPairs(changes);
  if (pairs.length === 0) return [];
  const places = new OldPlaces(changes);
  using directories = new Directories(disk, state.root);
  const isOneNameIn = (first: string, second: string): boolean => {
    staging.make();
    return isOneName(disk, absoluteOf(state.root, staging.path), first, second);
  };
  return pairs.flatMap(({ directory, first, second }): CheckFinding[] => {
    const differInCase = first.toLowerCase() === second.toLowerCase();
    const isSame =
      (differInCase ? foldsCase(disk, directories, places.originOf(directory)) : undefined) ??
      isOneNameIn(first, second);
    if (!isSame) return [];
    const path = childOf(directory, second);
    const message = `its file system does not tell it from ${JSON.stringify(first)}`;
    return [{ path, check: "names", severity: "error", message }];
  });
}

function findPairs(changes: readonly Change[]): Pair[] {
  const pairs: Pair[] = [];
  if (changes.length < 2) return pairs;
  const seen = new Map<string, TreePath>();
  for (const change of changes) {
    if (change.kind !== "create" && change.kind !== "rename") continue;
    const { path } = change;
    const folded = fold(path);
    const other = seen.get(folded);
    if (other === undefined) seen.set(folded, path);
    // Where already their directories are not told apart, those are the pair.
    else if (parentOf(other) === parentOf(path)) {
      pairs.push({ directory: parentOf(path), first: nameOf(other), second: nameOf(path) });
    }
  }
  return pairs;
}

/** The same for all spellings that some file system takes for one. */
function fold(path: TreePath): string {
  if (ascii.test(path)) return path.toLowerCase();
  return path.normalize("NFKD").toUpperCase().toLowerCase().normalize("NFKD");
}

const ascii = /^[ -~]*$/;

/**
 * Whether a directory of the old tree folds case, by what it holds; `undefined` where it does not
 * say.
 */
function foldsCase(disk: Disk, directories: Directories, directory: TreePath): boolean | undefined {
  let nearest = directory;
  // What is made by the same commit folds as the directory does that it is made in.
  while (nearest !== "" && directories.find(nearest)?.kind !== "directory")
    nearest = parentOf(nearest);
  const place = directories.locate(nearest);
  for (const { name } of disk.readdir(place)) {
    const swapped = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
    if (swapped === name) continue;
    const other = disk.lstat(`${place}/${swapped}`);
    return other !== undefined && other.ino === disk.lstat(`${place}/${name}`)?.ino;
  }
  return undefined;
}

function isOneName(disk: Disk, place: string, first: string, second: string): boolean {
  disk.close(disk.open(`${place}/${first}`, openFlags.createNew, 0o600));
  try {
    return disk.lstat(`${place}/${second}`) !== undefined;
  } finally {
    disk.unlink(`${place}/${first}`);
  }
}
