import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { ChangeBuilder, directoryAfter, fileAfter } from "./change-builder.ts";

/** A new directory that goes away with the scope. */
export class TemporaryRoot implements Disposable {
  readonly path: string;

  constructor(parent = os.tmpdir()) {
    this.path = fs.realpathSync(fs.mkdtempSync(join(parent, "draftfs-commit-")));
  }

  /** In memory where the system has such a place: for tests that make hundreds of trees. */
  static inMemory(): TemporaryRoot {
    return new TemporaryRoot(memoryDirectory());
  }

  [Symbol.dispose](): void {
    removeAll(Buffer.from(this.path));
  }
}

/** Also directories that nobody may change, and names that are no UTF-8. */
function removeAll(directory: Buffer): void {
  fs.chmodSync(directory, 0o700);
  const names = fs.readdirSync(directory, { encoding: "buffer" });
  for (const name of names) {
    const place = Buffer.concat([directory, Buffer.from("/"), name]);
    if (fs.lstatSync(place).isDirectory()) removeAll(place);
    else fs.unlinkSync(place);
  }
  fs.rmdirSync(directory);
}

/** A tree in which every kind of step has something to do. */
export function makeTree(root: string): void {
  const write = (path: string, text: string) => fs.writeFileSync(join(root, path), text);
  write("changed", "changed: old\n");
  write("chmodded", "chmodded\n");
  write("executable", "#!/bin/sh\n");
  fs.chmodSync(join(root, "executable"), 0o755);
  write("removed", "removed\n");
  write("shared-1", "one inode, two names\n");
  fs.linkSync(join(root, "shared-1"), join(root, "shared-2"));
  write("paired-1", "moves away from its other name\n");
  fs.linkSync(join(root, "paired-1"), join(root, "paired-2"));
  write("parted-1", "loses one of two names\n");
  fs.linkSync(join(root, "parted-1"), join(root, "parted-2"));
  fs.symlinkSync("changed", join(root, "pointer"));
  fs.mkdirSync(join(root, "moved/deep"), { recursive: true });
  write("moved/inside", "moved/inside: old\n");
  write("moved/kept", "moved/kept\n");
  write("moved/deep/gone", "moved/deep/gone\n");
  fs.mkdirSync(join(root, "left"));
  fs.mkdirSync(join(root, "right"));
  write("left/file", "left\n");
  write("right/file", "right\n");
  fs.mkdirSync(join(root, "doomed/inner"), { recursive: true });
  write("doomed/inner/file", "doomed\n");
  write("doomed/out", "comes out of the doomed directory\n");
  write("file-to-directory", "file\n");
  fs.mkdirSync(join(root, "directory-to-file"));
  write("directory-to-file/child", "child\n");
  fs.mkdirSync(join(root, "sealed"));
  write("sealed/file", "sealed\n");
  fs.mkdirSync(join(root, "old/inner"), { recursive: true });
  write("old/file", "old/file: old\n");
  write("old/gone", "old/gone\n");
  write("old/inner/away", "leaves a directory\n");
  fs.mkdirSync(join(root, "old-moved"));
  write("old-moved/file", "old-moved/file: old\n");
  fs.mkdirSync(join(root, "old-closed"));
  write("old-closed/file", "old-closed/file: old\n");
  fs.mkdirSync(join(root, "old-opened"));
  write("old-opened/file", "old-opened/file: old\n");
  fs.chmodSync(join(root, "old-opened"), 0o555);
  for (const path of ["old/inner", "old", "old-moved", "old-closed", "old-opened"]) {
    fs.utimesSync(join(root, path), longAgoMs / 1000, longAgoMs / 1000);
  }
}

/**
 * When the directories of the scenario were changed last whose times a change sets: those of one
 * to what they were, as a copy of it over itself does.
 */
export const longAgoMs = 1_000_000_000_000;

/** Changes that need every kind of step, with chains, cycles and changes of type. */
export function makeChanges(root: string): ChangeSet {
  return new ChangeBuilder(root)
    .write("changed", "changed: new, and longer\n")
    .chmod("chmodded", 0o600)
    .write("executable", "#!/bin/sh\necho\n")
    .remove("removed")
    .write("shared-1", "two names, one inode, other bytes\n", { group: 1, sameNode: true })
    .create("shared-3", "two names, one inode, other bytes\n", { group: 1 })
    .moveAndWrite("paired-1", "paired-moved", "moved, and written under both names\n")
    .remove("parted-1")
    .retarget("pointer", "executable")
    .rename("moved", "arrived")
    .write("arrived/inside", "moved/inside: new\n", {}, "moved/inside")
    .remove("arrived/deep/gone", "moved/deep/gone")
    .create("arrived/deep/fresh", "fresh\n")
    .rename("left", "right")
    .rename("right", "left")
    .remove("doomed")
    .remove("doomed/inner")
    .remove("doomed/inner/file")
    .rename("doomed/out", "out")
    .retype("file-to-directory", directoryAfter())
    .create("file-to-directory/new", "new\n", { mode: 0o640 })
    .retype("directory-to-file", fileAfter("a file now\n"))
    .remove("directory-to-file/child")
    .chmod("sealed", 0o555)
    .create("sealed/added", "before it was sealed\n")
    .createDirectory("empty", { mode: 0o700, mtimeMs: 1_600_000_000_000 })
    .createLink("dangling", "nowhere/at all")
    .create("dated", "", { mtimeMs: 1_500_000_000_123 })
    .date("old", 1_100_000_000_000)
    .write("old/file", "old/file: new\n")
    .remove("old/gone")
    .date("old/inner", longAgoMs)
    .rename("old/inner/away", "away")
    .renameAndDate("old-moved", "arrived/dated", 1_200_000_000_000)
    .write("arrived/dated/file", "old-moved/file: new\n", {}, "old-moved/file")
    .date("old-closed", 1_300_000_000_000, 0o555)
    .write("old-closed/file", "old-closed/file: new\n")
    .date("old-opened", 1_300_000_000_000, 0o755)
    .write("old-opened/file", "old-opened/file: new\n")
    .createDirectory("dated-new", { mtimeMs: 1_400_000_000_000 })
    .create("dated-new/file", "in a new directory with an old time\n")
    .build();
}
