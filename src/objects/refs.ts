import { dirname } from "node:path";
import type { Allocation, Disk } from "../disk/disk.ts";
import { openAnew } from "../disk/open-anew.ts";
import { openFlags } from "../disk/open-flags.ts";
import { ensureDirectory } from "./bare-repository.ts";
import type { ObjectId } from "./object-id.ts";
import { fillStaged, type StagedFile } from "./staged-file.ts";

const oidPattern = /^[0-9a-f]{40}$/;

/**
 * Reads a ref of a bare repository: its own file, else the line that `git pack-refs` made of it.
 *
 * @returns `undefined` when it does not exist or its file is torn (empty, or not an object id).
 */
export function readRef(disk: Disk, repository: string, name: string): ObjectId | undefined {
  const own = readIfThere(disk, `${repository}/${name}`);
  return own === undefined ? findPacked(disk, repository, name) : idIn(own);
}

/** How many symbolic refs lead to one another at most, as in git. */
const symbolicMax = 5;

/** {@link readRef}, also where somebody has made a symbolic ref of it. */
export function resolveRef(disk: Disk, repository: string, name: string): ObjectId | undefined {
  let at = name;
  for (let depth = 0; depth < symbolicMax; depth++) {
    const own = readIfThere(disk, `${repository}/${at}`);
    if (own === undefined) return findPacked(disk, repository, at);
    const target = /^ref:\s*(refs\/.+?)\s*$/.exec(own)?.[1];
    if (target === undefined || target.split("/").includes("..")) return idIn(own);
    at = target;
  }
  return readRef(disk, repository, at);
}

function idIn(text: string): ObjectId | undefined {
  const id = text.trimEnd();
  return oidPattern.test(id) ? id : undefined;
}

function findPacked(disk: Disk, repository: string, name: string): ObjectId | undefined {
  const packed = `${repository}/packed-refs`;
  if (disk.lstat(packed)?.kind !== "file") return undefined;
  const line = disk
    .readFile(packed)
    .toString("utf8")
    .split("\n")
    .find((each) => each.endsWith(` ${name}`));
  return line === undefined ? undefined : idIn(line.slice(0, 40));
}

function readIfThere(disk: Disk, path: string): string | undefined {
  try {
    return disk.readFile(path).toString("utf8");
  } catch (error) {
    if (absences.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

/** There is no file of that name, or a directory. */
const absences: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "EISDIR"]);

/** Every ref of a bare repository, by name; torn ones are left out. */
export function listRefs(disk: Disk, repository: string): Map<string, ObjectId> {
  const names = new Set(refFiles(disk, repository, "refs"));
  const packed = `${repository}/packed-refs`;
  if (disk.lstat(packed)?.kind === "file") {
    for (const line of disk.readFile(packed).toString("utf8").split("\n")) {
      const name = /^[0-9a-f]{40} (refs\/.+)$/.exec(line)?.[1];
      if (name !== undefined) names.add(name);
    }
  }
  const refs = new Map<string, ObjectId>();
  for (const name of names) {
    const oid = resolveRef(disk, repository, name);
    if (oid !== undefined) refs.set(name, oid);
  }
  return refs;
}

/**
 * What the `HEAD`s of a repository and of its worktrees name themselves, without a ref: git keeps
 * these commits too.
 */
export function detachedHeads(disk: Disk, repository: string): ObjectId[] {
  const worktrees = `${repository}/worktrees`;
  const names = disk.lstat(worktrees) === undefined ? [] : disk.readdir(worktrees);
  return ["HEAD", ...names.map(({ name }) => `worktrees/${name}/HEAD`)].flatMap((path) => {
    const oid = readRef(disk, repository, path);
    return oid === undefined ? [] : [oid];
  });
}

function refFiles(disk: Disk, repository: string, directory: string): string[] {
  const path = `${repository}/${directory}`;
  if (disk.lstat(path) === undefined) return [];
  return disk.readdir(path).flatMap(({ name, kind }) => {
    const at = `${directory}/${name}`;
    if (kind === "directory") return refFiles(disk, repository, at);
    return name.endsWith(".lock") ? [] : [at];
  });
}

/**
 * Points a ref at an object, the way git does: the new value is written to `<ref>.lock`, from when
 * on git leaves the ref alone, and renamed into place. A crash leaves the old or the new value, or,
 * when the write did not reach the disk, an empty file or one of zeros: refs are derived from the
 * journal and the packs and are rebuilt then.
 */
export function stageRef(
  disk: Disk,
  repository: string,
  name: string,
  oid: ObjectId,
  allocation?: Allocation,
): StagedFile {
  const path = `${repository}/${name}`;
  const lock = `${path}.lock`;
  const bytes = Buffer.from(`${oid}\n`, "latin1");
  const descriptor = withDirectory(disk, dirname(path), () => openLock(disk, lock, bytes));
  return fillStaged(disk, descriptor, bytes, { next: lock, path }, allocation);
}

/**
 * Makes the lock file of a ref. We hold the lock of the root, so one that lies there is a dead
 * process's, or it is that of a user's git, which holds it for a moment: `git pack-refs` would
 * remove what we write meanwhile. One that holds our value already was left by the process whose
 * work this one finishes.
 */
function openLock(disk: Disk, lock: string, bytes: Buffer): number {
  for (let waitedMs = 0; waitedMs < gitLockMs; waitedMs += gitPollMs) {
    try {
      return disk.open(lock, openFlags.createNew, 0o644);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (readIfThere(disk, lock) === bytes.toString("latin1")) break;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, gitPollMs);
  }
  return openAnew(disk, lock, 0o644);
}

/** Git itself waits as long for a ref that is locked (`core.filesRefLockTimeout`). */
const gitLockMs = 100;
const gitPollMs = 5;

/** Makes the directory, and tries again, where the attempt finds none. */
function withDirectory<Result>(disk: Disk, path: string, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    ensureDirectory(disk, path);
    return attempt();
  }
}
