import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOverlay } from "../../src/api/open-overlay.ts";
import { carryAttributes } from "../../src/commit/tree/carry-attributes.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";

const { attributes } = new NodeDisk();

let root: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-attributes-")));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

/** An access list of Linux (`struct posix_acl_xattr_header` and entries), for one more user. */
function accessList(uid: number, mask: number): Buffer {
  const entry = (tag: number, permissions: number, id = 0xffffffff): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(permissions, 2);
    bytes.writeUInt32LE(id, 4);
    return bytes;
  };
  const entries = [entry(1, 6), entry(2, 6, uid), entry(4, 4), entry(16, mask), entry(32, 4)];
  return Buffer.concat([Buffer.from([2, 0, 0, 0]), ...entries]);
}

function given(path: string): Record<string, string> {
  const found = attributes?.read(join(root, path)) ?? [];
  return Object.fromEntries(
    [...found].map(([name, value]) => [name, Buffer.from(value).toString()]),
  );
}

describe.runIf(attributes !== undefined)("a file that gets new content", () => {
  // anthropics/claude-code#60778.
  it("keeps its extended attributes, also when that is undone", async () => {
    fs.writeFileSync(join(root, "file"), "old");
    attributes?.write(join(root, "file"), "user.origin", Buffer.from("a\0b"));
    const overlay = await openOverlay(root);
    overlay.fs.writeFileSync(join(root, "file"), "new");
    const receipt = await overlay.commit();
    expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("new");
    expect(given("file")).toEqual({ "user.origin": "a\0b" });
    await receipt.undo();
    expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("old");
    expect(given("file")).toEqual({ "user.origin": "a\0b" });
    await overlay.close();
  });

  it("keeps them when it is moved as well, and takes over none of what it is moved onto", async () => {
    const list = accessList(31415, 6);
    for (const name of ["a", "b", "taken", "plain"]) {
      fs.writeFileSync(join(root, name), `old ${name}`);
      attributes?.write(join(root, name), "user.origin", Buffer.from(name));
    }
    fs.writeFileSync(join(root, "bare"), "old");
    fs.mkdirSync(join(root, "directory"));
    attributes?.write(join(root, "a"), "system.posix_acl_access", list);
    const overlay = await openOverlay(root);
    const at = (path: string): string => join(root, path);
    overlay.fs.renameSync(at("a"), at("directory/a"));
    overlay.fs.writeFileSync(at("directory/a"), "new a");
    overlay.fs.chmodSync(at("directory/a"), 0o640);
    overlay.fs.renameSync(at("b"), at("taken"));
    overlay.fs.writeFileSync(at("taken"), "new b");
    overlay.fs.renameSync(at("bare"), at("plain"));
    overlay.fs.writeFileSync(at("plain"), "new bare");
    const { warnings } = await overlay.commit();
    expect(warnings).toEqual([]);
    expect(given("directory/a")).toMatchObject({ "user.origin": "a" });
    expect(given("directory/a")).toHaveProperty(["system.posix_acl_access"]);
    expect(fs.statSync(at("directory/a")).mode & 0o777).toBe(0o640);
    expect(given("taken")).toEqual({ "user.origin": "b" });
    expect(given("plain")).toEqual({});
    await overlay.undo();
    expect(fs.readFileSync(at("a"), "utf8")).toBe("old a");
    expect(given("a")).toMatchObject({ "user.origin": "a" });
    expect(given("b")).toEqual({ "user.origin": "b" });
    await overlay.close();
  });

  it("keeps its access list, under the mode that the commit gives it", async () => {
    const list = accessList(31415, 6);
    for (const name of ["same", "chmod"]) {
      fs.writeFileSync(join(root, name), "old");
      expect(attributes?.write(join(root, name), "system.posix_acl_access", list)).toBe(true);
    }
    const overlay = await openOverlay(root);
    overlay.fs.writeFileSync(join(root, "same"), "new");
    overlay.fs.writeFileSync(join(root, "chmod"), "new");
    overlay.fs.chmodSync(join(root, "chmod"), 0o640);
    await overlay.commit();
    await overlay.close();
    const lists = ["same", "chmod"].map((name) =>
      attributes?.read(join(root, name))?.get("system.posix_acl_access"),
    );
    expect(lists[0]).toEqual(new Uint8Array(list));
    // The group bits of the mode are the mask of the list.
    const narrowed = accessList(31415, 4);
    narrowed.writeUInt16LE(0, narrowed.length - 6);
    expect(lists[1]).toEqual(new Uint8Array(narrowed));
    expect(fs.statSync(join(root, "same")).mode & 0o777).toBe(0o664);
    expect(fs.statSync(join(root, "chmod")).mode & 0o777).toBe(0o640);
  });

  it("keeps its own where its directory has changed places with another", async () => {
    for (const name of ["a", "b"]) {
      fs.mkdirSync(join(root, name));
      fs.writeFileSync(join(root, name, "file"), `old ${name}`);
      attributes?.write(join(root, name, "file"), "user.origin", Buffer.from(name));
    }
    const overlay = await openOverlay(root);
    overlay.fs.renameSync(join(root, "a"), join(root, "c"));
    overlay.fs.renameSync(join(root, "b"), join(root, "a"));
    overlay.fs.renameSync(join(root, "c"), join(root, "b"));
    for (const name of ["a", "b"]) overlay.fs.writeFileSync(join(root, name, "file"), "new");
    await overlay.commit();
    await overlay.close();
    expect([given("a/file"), given("b/file")]).toEqual([
      { "user.origin": "b" },
      { "user.origin": "a" },
    ]);
  });

  it("has nothing that was about the old content", () => {
    const asked: string[] = [];
    const disk = new (class extends NodeDisk {
      override get attributes() {
        const read = () => new Map([["security.capability", new Uint8Array(4)]]);
        const write = (_: string, name: string) => asked.push(name) > 0;
        return { read, write, isBare: () => false };
      }
    })();
    expect(carryAttributes(disk, "old", "new")).toEqual({ carried: 0, lost: [] });
    expect(asked).toEqual([]);
  });

  it("names what it may not be given, unless it came by itself", () => {
    const label = new Uint8Array([1, 2]);
    const disk = new (class extends NodeDisk {
      override get attributes() {
        const old = new Map([
          ["security.selinux", label],
          ["trusted.secret", label],
        ]);
        const own = new Map([["security.selinux", label]]);
        const read = (path: string) => (path === "old" ? old : own);
        return { read, write: () => false, isBare: () => false };
      }
    })();
    expect(carryAttributes(disk, "old", "new")).toEqual({ carried: 0, lost: ["trusted.secret"] });
  });
});
