import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { encodeAccessList } from "../../src/disk/access-list.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { TemporaryRoot } from "./scenario.ts";

const { attributes } = new NodeDisk();
const nobody = 0xffffffff;

/** A list of the shape of `setfacl -d -m u:54321:…,m::…`. */
function listOf(owner: number, user: number, group: number, mask: number, other: number) {
  return encodeAccessList([
    { tag: 1, permissions: owner, id: nobody },
    { tag: 2, permissions: user, id: 54_321 },
    { tag: 4, permissions: group, id: nobody },
    { tag: 16, permissions: mask, id: nobody },
    { tag: 32, permissions: other, id: nobody },
  ]);
}

const shared = listOf(7, 7, 5, 7, 5);
const secret = listOf(7, 6, 0, 6, 0);

function setDefault(path: string, list: Uint8Array): void {
  expect(attributes?.write(path, "system.posix_acl_default", list), path).toBe(true);
}

/** Mode and access lists of all that lies below, to compare. */
function accessOf(root: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of fs.readdirSync(root, { recursive: true }) as string[]) {
    if (name.startsWith(".draftfs")) continue;
    const path = join(root, name);
    const lists = [...(attributes?.read(path) ?? [])]
      .map(([key, value]) => `${key} ${Buffer.from(value).toString("hex")}`)
      .sort();
    found[name] = [(fs.statSync(path).mode & 0o7777).toString(8), ...lists];
  }
  return found;
}

type Edits = (fileSystem: typeof fs, root: string) => void;

const make: Edits = (fileSystem, root) => {
  for (const directory of ["", "shared/", "secret/", "plain/"]) {
    const at = (name: string) => `${root}/${directory}${name}`;
    fileSystem.writeFileSync(at("file"), "made\n");
    fileSystem.writeFileSync(at("program"), "made\n", { mode: 0o777 });
    fileSystem.writeFileSync(at("private"), "made\n", { mode: 0o600 });
    fileSystem.writeFileSync(at("set"), "made\n");
    fileSystem.chmodSync(at("set"), 0o604);
    fileSystem.mkdirSync(at("new"));
    fileSystem.writeFileSync(at("new/file"), "made\n");
  }
};

function prepare(root: string): void {
  for (const name of ["plain", "shared", "secret"]) fs.mkdirSync(join(root, name));
  setDefault(join(root, "shared"), shared);
  setDefault(join(root, "secret"), secret);
  setDefault(root, listOf(7, 5, 5, 5, 0));
}

function changesOf(root: string) {
  const layer = openLayer({ root });
  make(layer.fs as unknown as typeof fs, root);
  const changes = diffLayer(layer);
  layer.close();
  return changes;
}

/** Dies when the first directory is to be made: little is in place then, and all is staged. */
function dyingDisk(): Disk {
  let isDead = false;
  return new Proxy(new NodeDisk(), {
    get(disk, name) {
      const value: unknown = Reflect.get(disk, name, disk);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        isDead ||= name === "mkdir" && String(given[0]).endsWith("/new");
        if (isDead && name !== "close") throw new Error("dead");
        return value.apply(disk, given);
      };
    },
  });
}

describe.runIf(attributes !== undefined)(
  "what is new in a directory with a default access list",
  () => {
    it("has the access that the disk gives it", async () => {
      using root = TemporaryRoot.inMemory();
      using twin = TemporaryRoot.inMemory();
      prepare(root.path);
      prepare(twin.path);
      make(fs, twin.path);
      const store = openCommitStore(new NodeDisk(), stateDirectoryOf(root.path));
      await commitChangeSet(store, changesOf(root.path), { checks: "strict" });
      expect(accessOf(root.path)).toEqual(accessOf(twin.path));
    });

    it("has it also when a crash was in between", async () => {
      using root = TemporaryRoot.inMemory();
      using twin = TemporaryRoot.inMemory();
      prepare(root.path);
      prepare(twin.path);
      make(fs, twin.path);
      const state = stateDirectoryOf(root.path);
      const dying = openCommitStore(dyingDisk(), state);
      await expect(commitChangeSet(dying, changesOf(root.path))).rejects.toThrow("dead");
      fs.rmSync(state.lock, { force: true });
      expect(fs.existsSync(join(root.path, "shared/file"))).toBe(false);
      const report = await recoverJournal(openCommitStore(new NodeDisk(), state));
      expect(report.outcome).toBe("finished");
      expect(accessOf(root.path)).toEqual(accessOf(twin.path));
    });
  },
);
