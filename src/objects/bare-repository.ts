import { dirname } from "node:path";
import type { Disk } from "../disk/disk.ts";
import { replacingStateFile } from "../disk/state/state-file.ts";
import { stageFile } from "./staged-file.ts";

/** `gc.auto = 0`: git's own housekeeping must not start behind our back. */
const config = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[gc]
\tauto = 0
`;

/** Creates what git needs to see a bare repository at `path`, where it is missing. Idempotent. */
export function ensureBareRepository(disk: Disk, path: string): void {
  const head = `${path}/HEAD`;
  // A power cut may lose directories and keep the file that was made after them.
  const isWhole = [`${path}/objects/pack`, `${path}/refs/heads`].every((each) => disk.lstat(each));
  if (isWhole && disk.lstat(head)?.kind === "file" && disk.readFile(head).length > 0) return;
  for (const directory of ["", "/objects", "/objects/info", "/objects/pack", "/refs"]) {
    ensureDirectory(disk, `${path}${directory}`);
  }
  ensureDirectory(disk, `${path}/refs/heads`);
  writeWhole(disk, `${path}/config`, Buffer.from(config));
  // Last: it is what makes the directory a repository.
  writeWhole(disk, head, Buffer.from("ref: refs/heads/main\n"));
}

/**
 * Writes again what a power cut has torn of the files that make a directory a repository. Their
 * content is always the same, unless a user has changed it.
 */
export function repairBareRepository(disk: Disk, path: string): void {
  const head = `${path}/HEAD`;
  const isWhole = (file: string, pattern: RegExp): boolean =>
    disk.lstat(file)?.kind === "file" && pattern.test(disk.readFile(file).toString("latin1"));
  if (!isWhole(`${path}/config`, /^[^\0]+$/))
    writeWhole(disk, `${path}/config`, Buffer.from(config));
  if (isWhole(head, /^(ref: refs\/[^\0]+|[0-9a-f]{40})\n?$/)) return;
  if (disk.lstat(head) !== undefined) replacingStateFile(head, () => disk.unlink(head));
  ensureBareRepository(disk, path);
}

/** Creates a directory and its missing parents. */
export function ensureDirectory(disk: Disk, path: string): void {
  if (disk.lstat(path) !== undefined) return;
  ensureDirectory(disk, dirname(path));
  disk.mkdir(path, 0o755);
}

/** Writes a file under another name and renames it into place: never seen half-written. */
export function writeWhole(disk: Disk, path: string, bytes: Uint8Array, mode = 0o644): void {
  stageFile(disk, path, bytes, mode).publish();
}
