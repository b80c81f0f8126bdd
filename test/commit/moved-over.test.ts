import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { type CommitStore, openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree } from "./tree.ts";

type Fs = typeof fs;

const open = (root: string): CommitStore => openCommitStore(new NodeDisk(), stateDirectoryOf(root));

/** Directories `a` and `d`; `a` holds a file, a directory that is not empty and another file. */
function makeTree(root: string): void {
  fs.mkdirSync(`${root}/a/sub/deep`, { recursive: true });
  fs.mkdirSync(`${root}/d/inner`, { recursive: true });
  fs.writeFileSync(`${root}/a/file`, "a/file\n");
  fs.writeFileSync(`${root}/a/other`, "a/other\n");
  fs.writeFileSync(`${root}/a/sub/deep/leaf`, "leaf\n");
  fs.writeFileSync(`${root}/d/own`, "d/own\n");
  fs.writeFileSync(`${root}/d/inner/leaf`, "d/inner/leaf\n");
  fs.writeFileSync(`${root}/loose`, "loose\n");
  fs.mkdirSync(`${root}/sealed`);
  fs.writeFileSync(`${root}/sealed/file`, "sealed\n");
  fs.chmodSync(`${root}/sealed`, 0o555);
}

function replaceByMove(on: Fs, root: string): void {
  on.rmSync(`${root}/a`, { recursive: true });
  on.renameSync(`${root}/d`, `${root}/a`);
}

const sealedStory = "a directory that nobody may change is moved, and may be changed";

/** What happens below a directory that has been moved over another one. */
const stories: Readonly<Record<string, (on: Fs, root: string) => void>> = {
  "a directory has the name of a file that was there": (on, root) => {
    replaceByMove(on, root);
    on.mkdirSync(`${root}/a/file`);
  },
  "a file has the name and the bytes of one that was there": (on, root) => {
    replaceByMove(on, root);
    on.writeFileSync(`${root}/a/file`, "a/file\n");
  },
  "a file takes the place of the directory that it was in": (on, root) => {
    on.renameSync(`${root}/a/file`, `${root}/loose`);
    on.rmSync(`${root}/a`, { recursive: true });
    on.renameSync(`${root}/loose`, `${root}/a`);
  },
  "a directory takes the place of the one that it was in": (on, root) => {
    on.renameSync(`${root}/a/sub`, `${root}/kept`);
    on.rmSync(`${root}/a`, { recursive: true });
    on.renameSync(`${root}/kept`, `${root}/a`);
  },
  "names have gone from a directory that came out of one that is gone": (on, root) => {
    on.writeFileSync(`${root}/a/sub/leaf`, "leaf\n");
    on.rmSync(`${root}/a/sub/deep`, { recursive: true });
    on.renameSync(`${root}/a/sub`, `${root}/kept`);
    on.rmSync(`${root}/a`, { recursive: true });
  },
  "a file is where a directory was, in one that came out of another one": (on, root) => {
    on.rmSync(`${root}/a/sub/deep`, { recursive: true });
    on.writeFileSync(`${root}/a/sub/deep`, "no directory\n");
    on.renameSync(`${root}/a/sub`, `${root}/d/kept`);
    on.rmSync(`${root}/a`, { recursive: true });
  },
  "a directory moves into a new one, and gets more there": (on, root) => {
    on.mkdirSync(`${root}/new`);
    on.renameSync(`${root}/a/sub`, `${root}/new/sub`);
    on.mkdirSync(`${root}/new/sub/more/still`, { recursive: true });
    on.writeFileSync(`${root}/new/sub/more/file`, "file\n");
  },
  [sealedStory]: (on, root) => {
    on.renameSync(`${root}/sealed`, `${root}/a/sealed`);
    on.chmodSync(`${root}/a/sealed`, 0o755);
    on.writeFileSync(`${root}/a/sealed/new`, "new\n");
  },
  "another directory takes the place of one that may be changed now": (on, root) => {
    on.renameSync(`${root}/sealed`, `${root}/open`);
    on.chmodSync(`${root}/open`, 0o755);
    on.renameSync(`${root}/d`, `${root}/sealed`);
  },
  "a directory has the name of one that was there": (on, root) => {
    replaceByMove(on, root);
    on.mkdirSync(`${root}/a/sub`);
    on.writeFileSync(`${root}/a/sub/new`, "new\n");
  },
  "a file has the name of a directory that was there": (on, root) => {
    replaceByMove(on, root);
    on.writeFileSync(`${root}/a/sub`, "now a file\n");
  },
  "a file moves to the name of one that was there": (on, root) => {
    replaceByMove(on, root);
    on.renameSync(`${root}/loose`, `${root}/a/other`);
  },
  "a directory of it moves to the name of one that was there": (on, root) => {
    replaceByMove(on, root);
    on.renameSync(`${root}/a/inner`, `${root}/a/sub`);
    on.mkdirSync(`${root}/a/sub/deep`);
  },
  "what was there is brought back into it": (on, root) => {
    on.renameSync(`${root}/a/file`, `${root}/kept`);
    replaceByMove(on, root);
    on.renameSync(`${root}/kept`, `${root}/a/file`);
  },
  "its own files are written and removed": (on, root) => {
    replaceByMove(on, root);
    on.writeFileSync(`${root}/a/own`, "written\n");
    on.rmSync(`${root}/a/inner`, { recursive: true });
    on.mkdirSync(`${root}/a/inner`);
  },
};

describe.each(Object.entries(stories))("where %s", (name, story) => {
  // Its entry for the directory above is changed with it: only root may.
  test.skipIf(name === sealedStory && process.getuid?.() !== 0)(
    "a commit leaves what a disk would have, and undo what there was",
    async () => {
      using root = TemporaryRoot.inMemory();
      using twin = TemporaryRoot.inMemory();
      for (const { path } of [root, twin]) makeTree(path);
      const start = readTree(root.path);
      story(fs, twin.path);
      const wanted = readTree(twin.path);
      const layer = openLayer({ root: root.path });
      story(layer.fs as unknown as Fs, root.path);
      const changes = diffLayer(layer);
      layer.close();
      const store = open(root.path);
      await commitChangeSet(store, changes);
      expect(readTree(root.path)).toEqual(wanted);
      await undo(store);
      expect(readTree(root.path)).toEqual(start);
    },
  );
});
