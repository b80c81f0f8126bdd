import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { doJob } from "../../src/disk/background/background-job.ts";
import type { FileCreation } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { backgroundFilesMin } from "../../src/limits.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

let project: CompiledProject;

beforeAll(() => {
  // A thread needs plain JavaScript.
  project = CompiledProject.build();
}, 60_000);

/**
 * As with a thread, but creates at once what it is asked for, and closes at once what it is given:
 * it tells how many names each file had by then.
 */
class WatchfulDisk extends NodeDisk {
  readonly nameCounts: number[] = [];

  override createInBackground(): FileCreation {
    return {
      add: (path, mode, bytes) => {
        fs.writeFileSync(path, bytes, { mode, flag: "wx" });
        return true;
      },
      finish: async () => undefined,
    };
  }

  override closeInBackground(descriptors: readonly number[]): void {
    for (const descriptor of descriptors) {
      this.nameCounts.push(fs.fstatSync(descriptor).nlink);
      fs.closeSync(descriptor);
    }
  }
}

function fill(root: string, count: number): string[] {
  const names = Array.from({ length: count }, (_, index) => `file-${index}`);
  for (const name of names) fs.writeFileSync(join(root, name), `old ${name}`);
  return names;
}

function change(root: string, names: readonly string[], act: "write" | "remove") {
  const builder = new ChangeBuilder(root);
  for (const name of names) {
    if (act === "write") builder.write(name, `new ${name}`);
    else builder.remove(name);
  }
  return builder.build();
}

/** Open descriptors of this process that lead into a tree. */
function openBelow(root: string): readonly string[] {
  return fs
    .readdirSync("/proc/self/fd")
    .map((descriptor) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${descriptor}`);
      } catch {
        return "";
      }
    })
    .filter((path) => path.startsWith(join(root, "file-")));
}

test("files that many others replace are closed when the commit is done", async () => {
  using root = TemporaryRoot.inMemory();
  const names = fill(root.path, backgroundFilesMin + 20);
  const staying = names.splice(-10);
  const disk = new WatchfulDisk();
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  const builder = new ChangeBuilder(root.path);
  for (const name of names) builder.write(name, `new ${name}`);
  for (const name of staying) builder.chmod(name, 0o600);
  await commitChangeSet(store, builder.build());
  expect(disk.nameCounts).toEqual(names.map(() => 0));
  expect(openBelow(root.path)).toEqual([]);
  expect(fs.readFileSync(join(root.path, "file-0"), "utf8")).toBe("new file-0");
});

test("those of a commit that meets a conflict are closed too, and still there", async () => {
  using root = TemporaryRoot.inMemory();
  const names = fill(root.path, backgroundFilesMin);
  const changes = change(root.path, names, "write");
  fs.writeFileSync(join(root.path, "file-7"), "somebody else's");
  const disk = new WatchfulDisk();
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  await expect(commitChangeSet(store, changes)).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  expect(disk.nameCounts).toEqual(names.map(() => 1));
  expect(openBelow(root.path)).toEqual([]);
});

test("a few that are replaced are closed when the commit is done as well", async () => {
  using root = TemporaryRoot.inMemory();
  const names = fill(root.path, 20);
  const disk = new WatchfulDisk();
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  await commitChangeSet(store, change(root.path, names, "write"));
  expect(disk.nameCounts).toEqual(names.map(() => 0));
});

test("the disk closes a few by itself", async () => {
  using root = TemporaryRoot.inMemory();
  const names = fill(root.path, 20);
  const store = openCommitStore(new NodeDisk(), stateDirectoryOf(root.path));
  await commitChangeSet(store, change(root.path, names, "write"));
  await vi.waitFor(() => expect(openBelow(root.path)).toEqual([]), { timeout: 10_000 });
});

test("many that no thread works for, and files that are removed, are closed at once", async () => {
  using root = TemporaryRoot.inMemory();
  const names = fill(root.path, backgroundFilesMin);
  const disk = new WatchfulDisk();
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  await commitChangeSet(store, change(root.path, names, "write"), { checks: "strict" });
  await commitChangeSet(store, change(root.path, names, "remove"));
  expect(disk.nameCounts).toEqual([]);
  expect(openBelow(root.path)).toEqual([]);
});

test("the thread closes them", async () => {
  type Nodes = typeof import("../../src/disk/node/node-disk.ts");
  type Stores = typeof import("../../src/commit/commit-store.ts");
  type Commits = typeof import("../../src/commit/commit.ts");
  const nodes: Nodes = await import(project.pathOf("src/disk/node/node-disk.ts"));
  const stores: Stores = await import(project.pathOf("src/commit/commit-store.ts"));
  const commits: Commits = await import(project.pathOf("src/commit/commit.ts"));
  using root = TemporaryRoot.inMemory();
  const names = fill(root.path, backgroundFilesMin * 2);
  const store = stores.openCommitStore(new nodes.NodeDisk(), stateDirectoryOf(root.path));
  for (let round = 0; round < 3; round++) {
    await commits.commitChangeSet(store, change(root.path, names, "write"));
    await vi.waitFor(() => expect(openBelow(root.path)).toEqual([]), { timeout: 10_000 });
  }
  store.objects.close();
});

test("one that cannot be closed does not keep the others from it, nor ends the thread", () => {
  const open = fs.openSync("/dev/null", "r");
  const gone = fs.openSync("/dev/null", "r");
  fs.closeSync(gone);
  expect(doJob({ kind: "close", descriptors: [gone, open] })).toEqual({ kind: "done" });
  expect(() => fs.fstatSync(open)).toThrow("EBADF");
});

test("a fifo in the place of a file is a conflict, and nobody waits for a writer", async () => {
  using root = TemporaryRoot.inMemory();
  fill(root.path, 2);
  const changes = change(root.path, ["file-0", "file-1"], "write");
  fs.rmSync(join(root.path, "file-1"));
  execFileSync("mkfifo", [join(root.path, "file-1")]);
  const store = openCommitStore(new NodeDisk(), stateDirectoryOf(root.path));
  await expect(commitChangeSet(store, changes)).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    conflicts: [{ path: "file-1" }],
  });
  expect(fs.readFileSync(join(root.path, "file-0"), "utf8")).toBe("old file-0");
});
