import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeDisk } from "../../disk/node/node-disk.ts";
import { isNameGone, processNameOf, processNamePattern } from "../../disk/process-identity.ts";
import {
  ensureStateDirectory,
  stateDirectoryName,
  stateDirectoryOf,
} from "../../disk/state/state-directory.ts";
import { diskOf, isStateClosed } from "../../disk/state/state-disk.ts";

const prefix = "draftfs-clone-";

const disk = new NodeDisk();

/** Names that go to one process, far from the longest command line that systems take. */
const namesPerCall = 500;

/**
 * A copy of a whole tree but for its state directory. It lies in that directory, on the file system
 * of the tree, which may then share its blocks; where that cannot be written, with the temporary
 * files.
 */
export class CloneDirectory {
  /** The copy of the root. */
  readonly tree: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.tree = join(directory, "tree");
  }

  /**
   * Copies the tree at `root`.
   *
   * @throws {Error} when that cannot be done; nothing is left behind.
   */
  static of(root: string): CloneDirectory {
    const place = placeBeside(root) ?? tmpdir();
    removeAbandoned(place);
    const clone = new CloneDirectory(mkdtempSync(join(place, `${prefix}${processNameOf(disk)}-`)));
    try {
      copyTree(root, clone.tree);
    } catch (error) {
      clone.remove();
      throw error;
    }
    return clone;
  }

  /** A command may have left directories in which not even their owner may remove anything. */
  remove(): void {
    removeDirectory(this.#directory);
  }
}

function placeBeside(root: string): string | undefined {
  const state = stateDirectoryOf(root);
  try {
    const disk = diskOf(state);
    if (isStateClosed(disk)) return undefined;
    ensureStateDirectory(disk, state);
    if (disk.lstat(state.clones) === undefined) disk.mkdir(state.clones, 0o700);
    return state.clones;
  } catch {
    // Such as a tree that this user may only read.
    return undefined;
  }
}

/** With modes, times, links and, for root, owners; sharing blocks where the file system can. */
function copyTree(source: string, target: string): void {
  mkdirSync(target);
  const names = readdirSync(source, { encoding: "buffer" }).filter(
    (name) => name.toString("latin1") !== stateDirectoryName,
  );
  if (names.length > 0) copyInto(target, source, names);
  const { mode, uid, gid, atime, mtime } = statSync(source);
  if (process.geteuid?.() === 0) chownSync(target, uid, gid);
  chmodSync(target, mode & 0o7777);
  utimesSync(target, atime, mtime);
}

function copyInto(target: string, source: string, names: readonly Buffer[]): void {
  const options = { cwd: source, stdio: ["pipe", "ignore", "pipe"] as ["pipe", "ignore", "pipe"] };
  if (process.platform === "linux") {
    // By a pipe: names may be no text, and more than a command line takes.
    const input = Buffer.concat(names.flatMap((name) => [Buffer.from("./"), name, endOfName]));
    const cp = ["cp", "-a", "--reflink=auto", "-t", target, "--"];
    execFileSync("xargs", ["-0", ...cp], { ...options, input });
    return;
  }
  const how = process.platform === "darwin" ? "-Rpc" : "-Rp";
  for (let index = 0; index < names.length; index += namesPerCall) {
    const some = names.slice(index, index + namesPerCall).map((name) => `./${name}`);
    execFileSync("cp", [how, "--", ...some, target], options);
  }
}

const endOfName = Buffer.from([0]);

function removeDirectory(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // It follows no link below.
    spawnSync("chmod", ["-R", "u+rwX", directory], { stdio: "ignore" });
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Copies of processes that were killed before they could remove them. */
function removeAbandoned(place: string): void {
  const pattern = new RegExp(`^${prefix}(${processNamePattern})-`);
  for (const name of readdirSync(place)) {
    const owner = pattern.exec(name)?.[1];
    if (owner === undefined || !isNameGone(disk, owner)) continue;
    try {
      removeDirectory(join(place, name));
    } catch {
      // Another user's.
    }
  }
}
