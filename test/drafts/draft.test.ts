import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { type StateDirectory, stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { Draft } from "../../src/drafts/draft.ts";
import { listDrafts, removeDraft } from "../../src/drafts/draft-list.ts";
import { MIB } from "../../src/limits.ts";
import { readContent } from "../../src/overlay/content/content.ts";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import type { LowerNode, Pending } from "../../src/overlay/pending/pending.ts";

let root: string;
let state: StateDirectory;
const disk = new NodeDisk();

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-draft-")));
  state = stateDirectoryOf(root);
  fs.mkdirSync(join(root, "lib"));
  fs.writeFileSync(join(root, "lib", "a.txt"), "lower a");
  fs.writeFileSync(join(root, "lib", "b.txt"), "lower b");
  fs.writeFileSync(join(root, "top.txt"), "lower top");
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

/** Loads the draft into a new layer, lets `use` work on it, and saves it again. */
async function inDraft<Result>(
  use: (layer: Layer) => Result,
  name = "main",
  through = disk,
): Promise<Result> {
  const draft = await Draft.open(through, state, name);
  const layer = openLayer({ root });
  try {
    draft.restoreInto(layer);
    const result = use(layer);
    await draft.save(layer);
    return result;
  } finally {
    layer.close();
    draft.close();
  }
}

/** What a save finds out about it is not what was pending. */
function asSeen(node: LowerNode | undefined): LowerNode | undefined {
  return node === undefined ? undefined : { ...node, oid: undefined };
}

/** What a layer holds, with the bytes of the contents, and without what differs between two. */
function heldBy(layer: Layer): unknown[] {
  return [...layer.pending()].map((pending: Pending) => {
    const entry = { ...pending, base: asSeen(pending.base) };
    if (entry.kind === "whiteout") return { ...entry, generation: 0 };
    const common = { ...entry, origin: asSeen(entry.origin), generation: 0, ino: 0n };
    if (entry.kind !== "file") return common;
    const { lower } = entry.content;
    const bytes = readContent(entry.content).toString("latin1");
    return { ...common, content: { lower, bytes } };
  });
}

function filesOfDraft(name = "main"): string[] {
  return fs.readdirSync(join(state.drafts, name)).sort();
}

describe("a draft", () => {
  it("brings back exactly what was pending: every kind of entry, its metadata and its base", async () => {
    const before = await inDraft((layer) => {
      layer.fs.writeFileSync("new.txt", "new");
      layer.fs.writeFileSync("lib/a.txt", "changed");
      layer.fs.chmodSync("lib/a.txt", 0o600);
      layer.fs.utimesSync("lib/a.txt", -5.5, 1e9);
      layer.fs.unlinkSync("lib/b.txt");
      layer.fs.symlinkSync("../else where", "link");
      layer.fs.renameSync("lib", "library");
      layer.fs.mkdirSync("empty", { mode: 0o711 });
      layer.fs.writeFileSync("large.bin", Buffer.alloc(3 * MIB + 5, "large"));
      layer.fs.linkSync("new.txt", "hard link");
      layer.fs.truncateSync("top.txt", 5);
      return heldBy(layer);
    });
    expect(await inDraft(heldBy)).toEqual(before);
    await inDraft((layer) => {
      expect(layer.fs.readFileSync("library/a.txt", "utf8")).toBe("changed");
      expect(layer.fs.existsSync("library/b.txt")).toBe(false);
      expect(layer.fs.existsSync("lib")).toBe(false);
      expect(layer.fs.readlinkSync("link")).toBe("../else where");
      expect(layer.fs.statSync("hard link").nlink).toBe(2);
      expect(layer.fs.readFileSync("top.txt", "utf8")).toBe("lower");
      expect(layer.fs.readFileSync("large.bin").equals(Buffer.alloc(3 * MIB + 5, "large"))).toBe(
        true,
      );
    });
    expect(fs.readFileSync(join(root, "lib", "a.txt"), "utf8")).toBe("lower a");
  });

  it("goes on from process to process", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("log", "one\n"));
    await inDraft((layer) => layer.fs.appendFileSync("log", "two\n"));
    await inDraft((layer) => layer.fs.renameSync("log", "lib/log"));
    const text = await inDraft((layer) => layer.fs.readFileSync("lib/log", "utf8"));
    expect(text).toBe("one\ntwo\n");
  });

  it("keeps the base of a deletion and of a creation when the disk changes meanwhile", async () => {
    const stampOf = (layer: Layer, path: string) =>
      [...layer.pending()].find((entry) => entry.path === path)?.base?.stamp;
    const before = await inDraft((layer) => {
      layer.fs.unlinkSync("lib/a.txt");
      layer.fs.writeFileSync("appears.txt", "ours");
      layer.fs.mkdirSync("directory");
      return stampOf(layer, "lib/a.txt");
    });
    fs.writeFileSync(join(root, "lib", "a.txt"), "edited by somebody else");
    fs.writeFileSync(join(root, "appears.txt"), "theirs");
    fs.mkdirSync(join(root, "directory"));
    fs.writeFileSync(join(root, "directory", "theirs"), "");
    await inDraft((layer) => {
      expect(before).toBeDefined();
      expect(stampOf(layer, "lib/a.txt")).toEqual(before);
      expect(stampOf(layer, "appears.txt")).toBeUndefined();
      expect(layer.fs.readdirSync("directory")).toEqual([]);
    });
  });

  it("reads only its index when it is loaded, and a content when it is asked for", async () => {
    await inDraft((layer) => {
      layer.fs.writeFileSync("large.bin", Buffer.alloc(2 * MIB, 1));
      layer.fs.writeFileSync("small.txt", "small");
    });
    let bytesRead = 0;
    class CountingDisk extends NodeDisk {
      override read(descriptor: number, buffer: Uint8Array, position: number): number {
        bytesRead += buffer.length;
        return super.read(descriptor, buffer, position);
      }
    }
    await inDraft(
      (layer) => {
        expect(bytesRead).toBe(0);
        expect(layer.fs.readFileSync("small.txt", "utf8")).toBe("small");
        expect(bytesRead).toBe(5);
      },
      "main",
      new CountingDisk(),
    );
    expect(bytesRead).toBe(5);
  });

  it("does not write again what it holds already", async () => {
    await inDraft((layer) => {
      layer.fs.writeFileSync("large.bin", Buffer.alloc(2 * MIB, 1));
      layer.fs.writeFileSync("small.txt", "small");
    });
    const inode = () => fs.statSync(join(state.drafts, "main", "file-1-0")).ino;
    const before = inode();
    await inDraft((layer) => layer.fs.writeFileSync("another.txt", "another"));
    expect(inode()).toBe(before);
    expect(filesOfDraft()).toEqual(["data-1", "data-2", "file-1-0", "index"]);
    await inDraft((layer) => layer.fs.unlinkSync("large.bin"));
    expect(filesOfDraft()).toEqual(["data-1", "data-2", "index"]);
  });

  it("gathers what is left when most of a data file is no longer needed", async () => {
    await inDraft((layer) => {
      layer.fs.writeFileSync("kept.txt", "kept");
      layer.fs.writeFileSync("dropped.txt", "x".repeat(1000));
    });
    await inDraft((layer) => layer.fs.unlinkSync("dropped.txt"));
    expect(filesOfDraft()).toEqual(["data-2", "index"]);
    expect(await inDraft((layer) => layer.fs.readFileSync("kept.txt", "utf8"))).toBe("kept");
  });

  it("refers to a bounded number of data files, however often it is continued", async () => {
    for (let run = 0; run < 40; run++) {
      await inDraft((layer) => layer.fs.writeFileSync(`file ${run}`, `content ${run}`));
    }
    expect(filesOfDraft().length).toBeLessThan(20);
    await inDraft((layer) => {
      for (let run = 0; run < 40; run++) {
        expect(layer.fs.readFileSync(`file ${run}`, "utf8")).toBe(`content ${run}`);
      }
    });
  });

  it("leaves nothing when nothing is pending any more", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("new.txt", "new"));
    await inDraft((layer) => layer.reset());
    expect(fs.readdirSync(state.drafts)).toEqual([]);
  });

  it("is recognised after a reboot that renumbered the devices", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("top.txt", "changed"));
    class RenumberedDisk extends NodeDisk {
      override lstat(path: string) {
        const stamp = super.lstat(path);
        return stamp && { ...stamp, dev: stamp.dev + 7n };
      }
    }
    const draft = await Draft.open(new RenumberedDisk(), state, "main");
    const layer = openLayer({ root });
    draft.restoreInto(layer);
    const [entry] = layer.pending();
    expect(entry?.base?.stamp.dev).toBe((disk.lstat(root)?.dev ?? 0n) + 7n);
    layer.close();
    draft.close();
  });
});

describe("two processes on one draft", () => {
  it("are told apart: the second is refused and loses nothing", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("new.txt", "first"));
    const draft = await Draft.open(disk, state, "main");
    await expect(Draft.open(disk, state, "main")).rejects.toMatchObject({
      code: "DRAFT_LOCKED",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    draft.close();
    expect(await inDraft((layer) => layer.fs.readFileSync("new.txt", "utf8"))).toBe("first");
  });

  it("can both read it, also while it is replaced", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("new.txt", "first"));
    const reader = await Draft.open(disk, state, "main", { lock: false });
    const layer = openLayer({ root });
    reader.restoreInto(layer);
    await inDraft((other) => other.fs.writeFileSync("new.txt", "second, and longer"));
    expect(layer.fs.readFileSync("new.txt", "utf8")).toBe("first");
    layer.close();
    reader.close();
  });

  it("can be listed while one of them is discarded, at any moment", async () => {
    for (let at = 0, isOver = false; !isOver; at++) {
      await inDraft((layer) => layer.fs.writeFileSync("top.txt", "kept"), "kept");
      await inDraft((layer) => layer.fs.writeFileSync("top.txt", "gone"), "gone");
      let calls = 0;
      const interrupted = new Proxy(disk, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== "function") return value;
          return (...given: unknown[]) => {
            if (calls++ === at) fs.rmSync(join(state.drafts, "gone"), { recursive: true });
            return value.apply(target, given);
          };
        },
      });
      const names = listDrafts(interrupted, state).map(({ name }) => name);
      expect(names).toContain("kept");
      isOver = calls <= at;
      if (!isOver && at < 2) expect(names).toEqual(["kept"]);
    }
  });

  it("may use drafts of different names at the same time", async () => {
    const draft = await Draft.open(disk, state, "main");
    await inDraft((layer) => layer.fs.writeFileSync("new.txt", "other"), "other");
    draft.close();
    expect(listDrafts(disk, state).map(({ name }) => name)).toEqual(["other"]);
  });
});

describe("a damaged draft", () => {
  it("is refused untouched when its index is changed, and says how to go on", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("new.txt", "new"));
    const index = join(state.drafts, "main", "index");
    const bytes = fs.readFileSync(index);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    fs.writeFileSync(index, bytes);
    await expect(Draft.open(disk, state, "main")).rejects.toMatchObject({
      code: "DRAFT_FORMAT_CORRUPT",
      message: expect.stringContaining("draftfs discard --draft main"),
    });
    expect(fs.readFileSync(index).equals(bytes)).toBe(true);
    expect(listDrafts(disk, state)).toMatchObject([{ name: "main", fault: expect.any(String) }]);
    expect(await removeDraft(disk, state, "main")).toBe(true);
    expect(listDrafts(disk, state)).toEqual([]);
  });

  it("is refused when a later version wrote it", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("new.txt", "new"));
    const index = join(state.drafts, "main", "index");
    fs.writeFileSync(
      index,
      fs.readFileSync(index, "utf8").replace("draftfs-draft 1", "draftfs-draft 3"),
    );
    await expect(Draft.open(disk, state, "main")).rejects.toMatchObject({
      code: "DRAFT_FORMAT_NEWER",
    });
  });

  it("never hands out a content that is not what was written", async () => {
    await inDraft((layer) => {
      layer.fs.writeFileSync("large.bin", Buffer.alloc(3 * MIB, 1));
      layer.fs.writeFileSync("small.txt", "small");
    });
    const damage = (file: string, position: number) => {
      const path = join(state.drafts, "main", file);
      const descriptor = fs.openSync(path, "r+");
      fs.writeSync(descriptor, "!", position);
      fs.closeSync(descriptor);
    };
    damage("data-1", 0);
    damage("file-1-0", 2 * MIB + 1);
    const draft = await Draft.open(disk, state, "main", { lock: false });
    const layer = openLayer({ root });
    draft.restoreInto(layer);
    const corrupt = expect.objectContaining({ code: "DRAFT_FORMAT_CORRUPT" });
    expect(() => layer.fs.readFileSync("small.txt")).toThrow(corrupt);
    expect(() => layer.fs.readFileSync("large.bin")).toThrow(corrupt);
    const descriptor = layer.fs.openSync("large.bin", "r");
    expect(layer.fs.readSync(descriptor, Buffer.alloc(10), 0, 10, MIB)).toBe(10);
    layer.close();
    draft.close();
  });

  it("is named when one of its files is missing", async () => {
    await inDraft((layer) => layer.fs.writeFileSync("small.txt", "small"));
    fs.rmSync(join(state.drafts, "main", "data-1"));
    await expect(Draft.open(disk, state, "main")).rejects.toMatchObject({
      code: "DRAFT_FORMAT_CORRUPT",
      message: expect.stringContaining("data-1 is missing"),
    });
  });
});

describe("the name of a draft", () => {
  it.each(["", ".", "..", "a/b", "-a", ".hidden", "a b", "ä", "x".repeat(65)])(
    "is not %j",
    async (name) => {
      await expect(Draft.open(disk, state, name)).rejects.toMatchObject({
        code: "DRAFT_DRAFT_NAME",
      });
      await expect(removeDraft(disk, state, name)).rejects.toMatchObject({
        code: "DRAFT_DRAFT_NAME",
      });
      expect(fs.existsSync(state.path)).toBe(false);
    },
  );
});
