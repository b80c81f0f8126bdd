import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isDraftError, listDrafts, type OpenOverlayOptions, openOverlay } from "../../src/index.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "draftfs-api-"));
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "src/a.ts"), "a\n");
  writeFileSync(join(root, "b.txt"), "b\n");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (options: OpenOverlayOptions = {}) => openOverlay(root, options);
const onDisk = (path: string): string => readFileSync(join(root, path), "utf8");

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return isDraftError(error) ? error.code : String(error);
  }
  return "fulfilled";
}

describe("an overlay", () => {
  it("keeps everything off the disk until it is committed, and takes it back by undo", async () => {
    await using overlay = await open();
    overlay.fs.writeFileSync("src/a.ts", "changed\n");
    await overlay.fs.promises.mkdir("new");
    overlay.fs.writeFileSync(join(root, "new/x"), "x");
    overlay.fs.unlinkSync("b.txt");
    expect(readdirSync(root).sort()).toEqual(["b.txt", "src"]);
    expect(onDisk("src/a.ts")).toBe("a\n");

    const diff = await overlay.diff();
    expect(diff.changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      "delete b.txt",
      "create new",
      "create new/x",
      "modify src/a.ts",
    ]);
    const receipt = await overlay.commit({ message: "first" });
    expect(onDisk("src/a.ts")).toBe("changed\n");
    expect(onDisk("new/x")).toBe("x");
    expect((await overlay.diff()).changes).toEqual([]);

    await receipt.undo();
    expect(readdirSync(root).sort()).toEqual([".draftfs", "b.txt", "src"]);
    expect(onDisk("src/a.ts")).toBe("a\n");
    expect(overlay.fs.readFileSync("b.txt", "utf8")).toBe("b\n");
    expect((await overlay.log()).map(({ manifest }) => manifest.operation)).toEqual([
      "undo",
      "commit",
    ]);
  });

  it("runs a command that sees what is pending and whose writes are pending", async () => {
    await using overlay = await open();
    overlay.fs.writeFileSync("src/a.ts", "pending\n");
    const result = await overlay.run("sh", ["-c", "cp src/a.ts copy.ts; rm b.txt; exit 3"], {
      stdio: "ignore",
    });
    expect(result.exitCode).toBe(3);
    expect(overlay.fs.readFileSync("copy.ts", "utf8")).toBe("pending\n");
    expect(overlay.fs.existsSync("b.txt")).toBe(false);
    expect(readdirSync(root).sort()).toEqual(["b.txt", "src"]);
    await overlay.commit();
    expect(onDisk("copy.ts")).toBe("pending\n");
    const again = await overlay.run("sh", ["-c", "cat copy.ts > third.ts"], { stdio: "ignore" });
    expect(again.exitCode).toBe(0);
    expect(overlay.fs.readFileSync("third.ts", "utf8")).toBe("pending\n");
  });

  it("runs nothing any more once it is closed, whether anything has run or not", async () => {
    const [used, unused] = [await open(), await open()];
    await used.run("true", [], { require: "cooperative" });
    for (const overlay of [used, unused]) {
      await overlay.close();
      expect(await codeOf(overlay.run("true"))).toBe("DRAFT_SANDBOX_FAILED");
      expect(await codeOf(overlay.shell())).toBe("DRAFT_SANDBOX_FAILED");
    }
  });

  it("refuses to commit nothing", async () => {
    await using overlay = await open();
    expect(await codeOf(overlay.commit())).toBe("DRAFT_NOTHING_PENDING");
    overlay.fs.writeFileSync("b.txt", "b\n");
    expect(await codeOf(overlay.commit())).toBe("DRAFT_NOTHING_PENDING");
    expect(readdirSync(root).sort()).toEqual(["b.txt", "src"]);
  });

  it("commits a part and leaves the rest pending", async () => {
    await using overlay = await open({ draft: "main" });
    overlay.fs.writeFileSync("src/a.ts", "changed\n");
    overlay.fs.writeFileSync("c.txt", "c");
    await overlay.commit({ include: ["src/**"] });
    expect(onDisk("src/a.ts")).toBe("changed\n");
    expect(readdirSync(root)).not.toContain("c.txt");
    expect((await overlay.diff()).changes.map(({ path }) => path)).toEqual(["c.txt"]);
    await overlay.close();
    await using reopened = await open({ draft: "main" });
    expect((await reopened.diff()).changes.map(({ path }) => path)).toEqual(["c.txt"]);
  });

  it("commits a rename as a part, and the rest afterwards", async () => {
    await using overlay = await open();
    overlay.fs.renameSync("b.txt", "c.txt");
    overlay.fs.writeFileSync("src/a.ts", "changed\n");
    await overlay.commit({ include: ["c.txt"] });
    expect(readdirSync(root).sort()).toEqual([".draftfs", "c.txt", "src"]);
    expect(onDisk("src/a.ts")).toBe("a\n");
    expect((await overlay.diff()).changes.map(({ path }) => path)).toEqual(["src/a.ts"]);
    await overlay.commit();
    expect(onDisk("src/a.ts")).toBe("changed\n");
    expect(readdirSync(root).sort()).toEqual([".draftfs", "c.txt", "src"]);
  });

  it("keeps a copy pending whose source is committed before it, changed, moved or deleted", async () => {
    for (const change of ["write", "rename", "unlink"]) {
      writeFileSync(join(root, "from.txt"), "bytes");
      await using overlay = await open();
      overlay.fs.copyFileSync("from.txt", "copy.txt");
      if (change === "write") overlay.fs.writeFileSync("from.txt", "other");
      if (change === "rename") overlay.fs.renameSync("from.txt", "moved.txt");
      if (change === "unlink") overlay.fs.unlinkSync("from.txt");
      await overlay.commit({ exclude: ["copy.txt"] });
      expect(overlay.fs.readFileSync("copy.txt", "utf8")).toBe("bytes");
      await overlay.commit();
      expect(onDisk("copy.txt")).toBe("bytes");
      overlay.fs.unlinkSync("copy.txt");
      await overlay.commit();
    }
  });

  it("lets an open file be read that has no name any more when its deletion is committed", async () => {
    await using overlay = await open();
    const descriptor = overlay.fs.openSync("b.txt", "r");
    overlay.fs.unlinkSync("b.txt");
    await overlay.commit();
    expect(overlay.fs.readFileSync(descriptor, "utf8")).toBe("b\n");
    overlay.fs.closeSync(descriptor);
  });

  it("refuses a conflict without touching anything, and keeps what is pending", async () => {
    await using overlay = await open();
    overlay.fs.writeFileSync("src/a.ts", "ours\n");
    overlay.fs.writeFileSync("c.txt", "c");
    writeFileSync(join(root, "src/a.ts"), "theirs, meanwhile\n");
    expect(await codeOf(overlay.commit())).toBe("DRAFT_CONFLICT");
    expect(onDisk("src/a.ts")).toBe("theirs, meanwhile\n");
    expect(readdirSync(root)).not.toContain("c.txt");
    expect(overlay.fs.readFileSync("src/a.ts", "utf8")).toBe("ours\n");
  });
});

describe("close", () => {
  const progress = (): string => onDisk(".draftfs/journal/progress").split(" ")[0] ?? "";

  it("waits until what was committed is durable in the tree itself", async () => {
    const overlay = await open();
    overlay.fs.writeFileSync("new.txt", "new\n");
    await overlay.commit();
    expect(overlay.owesSettling).toBe(true);
    await overlay.close();
    expect(overlay.owesSettling).toBe(false);
    expect(progress()).toBe("settled");
    expect(readdirSync(join(root, ".draftfs/journal")).sort()).toEqual([
      "current",
      "progress",
      "slots",
    ]);
  });

  it("leaves that to the next commit when it is told to", async () => {
    const overlay = await open();
    overlay.fs.writeFileSync("new.txt", "new\n");
    await overlay.commit();
    await overlay.close({ settle: false });
    expect(progress()).toBe("applied");
  });
});

describe("serializable isolation", () => {
  // getkyo/kyo#1724, #1731, #1799.
  it("conflicts when something that was only read has changed", async () => {
    await using overlay = await open({ isolation: "serializable" });
    const seen = overlay.fs.readFileSync("b.txt", "utf8");
    overlay.fs.writeFileSync("copy.txt", seen);
    writeFileSync(join(root, "b.txt"), "changed meanwhile\n");
    expect(await codeOf(overlay.commit())).toBe("DRAFT_CONFLICT");
    expect(readdirSync(root)).not.toContain("copy.txt");
  });

  it("conflicts when a name has come into a directory that was listed", async () => {
    await using overlay = await open({ isolation: "serializable" });
    overlay.fs.writeFileSync("list.txt", overlay.fs.readdirSync("src").join("\n"));
    writeFileSync(join(root, "src/b.ts"), "new meanwhile\n");
    expect(await codeOf(overlay.commit())).toBe("DRAFT_CONFLICT");
  });

  it("holds for forced and resolved commits too, which decide what was written", async () => {
    await using overlay = await open({ isolation: "serializable" });
    overlay.fs.writeFileSync("copy.txt", overlay.fs.readFileSync("b.txt"));
    overlay.fs.writeFileSync("src/a.ts", `${overlay.fs.readFileSync("src/a.ts", "utf8")}more\n`);
    writeFileSync(join(root, "src/a.ts"), "theirs\n");
    writeFileSync(join(root, "b.txt"), "changed meanwhile\n");
    expect(await codeOf(overlay.commitForce())).toBe("DRAFT_CONFLICT");
    expect(await codeOf(overlay.commitWith(() => ({ kind: "ours" })))).toBe("DRAFT_CONFLICT");
    expect(onDisk("src/a.ts")).toBe("theirs\n");
    expect(readdirSync(root)).not.toContain("copy.txt");
  });

  it("lets a forced commit overwrite what was read and written", async () => {
    await using overlay = await open({ isolation: "serializable" });
    overlay.fs.writeFileSync("src/a.ts", `${overlay.fs.readFileSync("src/a.ts", "utf8")}more\n`);
    writeFileSync(join(root, "src/a.ts"), "theirs\n");
    await overlay.commitForce();
    expect(onDisk("src/a.ts")).toBe("a\nmore\n");
  });

  it("commits when nothing that was read has changed", async () => {
    await using overlay = await open({ isolation: "serializable" });
    overlay.fs.writeFileSync("copy.txt", overlay.fs.readFileSync("b.txt"));
    overlay.fs.writeFileSync("list.txt", overlay.fs.readdirSync(".").join("\n"));
    writeFileSync(join(root, "src/a.ts"), "not read\n");
    await overlay.commit();
    expect(onDisk("copy.txt")).toBe("b\n");
  });

  it("does not mind under snapshot isolation, the default", async () => {
    await using overlay = await open();
    overlay.fs.writeFileSync("copy.txt", overlay.fs.readFileSync("b.txt"));
    writeFileSync(join(root, "b.txt"), "changed meanwhile\n");
    await overlay.commit();
    expect(onDisk("copy.txt")).toBe("b\n");
  });
});

describe("the configuration of a root", () => {
  it("is refused with line and column when it is wrong, and nothing is opened", async () => {
    writeFileSync(
      join(root, "write_optimization_config.yaml"),
      "write_optimization:\n  performance:\n    memory_limits: 1MB\n",
    );
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "DRAFT_CONFIG" });
    expect(String(error)).toContain("write_optimization_config.yaml:3:5");
    expect(String(error)).toContain("memory_limit");
  });

  it("bounds the memory of the overlay", async () => {
    writeFileSync(
      join(root, "write_optimization_config.yaml"),
      "write_optimization:\n  performance:\n    memory_limit: 64KB\n",
    );
    await using overlay = await open();
    const content = Buffer.alloc(1 << 20, "x");
    overlay.fs.writeFileSync("large", content);
    expect(readdirSync(join(root, ".draftfs"), { recursive: true }).length).toBeGreaterThan(3);
    expect(overlay.fs.readFileSync("large").equals(content)).toBe(true);
    await overlay.commit();
    expect(readFileSync(join(root, "large")).equals(content)).toBe(true);
  });
});

describe("a draft", () => {
  it("that cannot be saved any more does not make a commit fail that is done", async () => {
    await using overlay = await open({ draft: "main" });
    overlay.fs.writeFileSync("src/a.ts", "drafted\n");
    overlay.fs.writeFileSync("b.txt", "rest\n");
    await overlay.saveDraft();
    rmSync(join(root, ".draftfs/drafts"), { recursive: true });
    const receipt = await overlay.commit({ include: ["src/**"] });
    expect(receipt.unsaved).toMatchObject({ code: "ENOENT" });
    expect([onDisk("src/a.ts"), onDisk("b.txt")]).toEqual(["drafted\n", "b\n"]);
    await overlay.transact(({ fs }) => fs.writeFileSync("c.txt", "c\n"));
    expect([onDisk("b.txt"), onDisk("c.txt")]).toEqual(["rest\n", "c\n"]);
    expect((await overlay.diff()).changes).toEqual([]);
  });

  it("survives its overlay, and is gone when committed", async () => {
    const first = await open({ draft: "main" });
    first.fs.writeFileSync("src/a.ts", "drafted\n");
    await first.saveDraft();
    await first.close();
    expect((await listDrafts(root)).map(({ name }) => name)).toEqual(["main"]);

    const second = await open({ draft: "main" });
    expect(second.fs.readFileSync("src/a.ts", "utf8")).toBe("drafted\n");
    await second.commit();
    await second.close();
    expect(await listDrafts(root)).toEqual([]);
    expect(onDisk("src/a.ts")).toBe("drafted\n");
  });

  it("is invisible to others until it is committed", async () => {
    await using mine = await open({ draft: "mine" });
    await using other = await open({ draft: "other" });
    mine.fs.writeFileSync("src/a.ts", "mine\n");
    await mine.saveDraft();
    expect(other.fs.readFileSync("src/a.ts", "utf8")).toBe("a\n");
    expect(await codeOf(open({ draft: "mine" }))).toBe("DRAFT_LOCKED");
    await using reader = await open({ draft: "mine", readOnly: true });
    expect(reader.fs.readFileSync("src/a.ts", "utf8")).toBe("mine\n");
  });

  it("conflicts when the disk has moved on since it was saved", async () => {
    const first = await open({ draft: "main" });
    first.fs.writeFileSync("src/a.ts", "drafted\n");
    await first.saveDraft();
    await first.close();
    writeFileSync(join(root, "src/a.ts"), "edited by hand\n");
    await using second = await open({ draft: "main" });
    expect(await codeOf(second.commit())).toBe("DRAFT_CONFLICT");
    expect(onDisk("src/a.ts")).toBe("edited by hand\n");
  });
});

describe("transact", () => {
  it("commits when it returns and rolls back when it throws", async () => {
    await using overlay = await open();
    const value = await overlay.transact(async ({ fs }) => {
      fs.writeFileSync("b.txt", "one\n");
      return 7;
    });
    expect(value).toBe(7);
    expect(onDisk("b.txt")).toBe("one\n");
    const failed = overlay.transact(async ({ fs }) => {
      fs.writeFileSync("b.txt", "two\n");
      throw new RangeError("no");
    });
    await expect(failed).rejects.toThrow(RangeError);
    expect(overlay.fs.readFileSync("b.txt", "utf8")).toBe("one\n");
    expect(onDisk("b.txt")).toBe("one\n");
  });

  it("nests: an inner one that throws takes back only its own", async () => {
    await using overlay = await open();
    await overlay.transact(async (outer) => {
      outer.fs.writeFileSync("b.txt", "outer\n");
      await outer
        .transact(async (inner) => {
          inner.fs.writeFileSync("b.txt", "inner\n");
          inner.fs.writeFileSync("c.txt", "inner\n");
          throw new RangeError("no");
        })
        .catch(() => undefined);
      await outer.transact(({ fs }) => fs.writeFileSync("d.txt", "kept\n"));
      expect(readdirSync(root)).not.toContain("d.txt");
    });
    expect(onDisk("b.txt")).toBe("outer\n");
    expect(readdirSync(root).sort()).toEqual([".draftfs", "b.txt", "d.txt", "src"]);
    expect(await overlay.log()).toHaveLength(1);
  });

  // fsspec/filesystem_spec#1823, pytorch/pytorch#135541.
  it("lets concurrent ones take turns", async () => {
    await using overlay = await open();
    const order: string[] = [];
    const turn = (name: string) =>
      overlay.transact(async ({ fs }) => {
        order.push(`${name} begins`);
        fs.writeFileSync("b.txt", `${fs.readFileSync("b.txt", "utf8")}${name}\n`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push(`${name} ends`);
        if (name === "2") throw new RangeError("no");
      });
    const results = await Promise.allSettled([turn("1"), turn("2"), turn("3")]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(order).toEqual(["1", "2", "3"].flatMap((name) => [`${name} begins`, `${name} ends`]));
    expect(onDisk("b.txt")).toBe("b\n1\n3\n");
  });

  it("refuses a commit inside, and rolls back when its own commit is refused", async () => {
    await using overlay = await open();
    expect(await codeOf(overlay.transact((inner) => inner.commit().then(() => undefined)))).toBe(
      "DRAFT_TRANSACTION",
    );
    const conflicting = overlay.transact(async ({ fs }) => {
      fs.writeFileSync("b.txt", "ours\n");
      writeFileSync(join(root, "b.txt"), "theirs, meanwhile\n");
    });
    expect(await codeOf(conflicting)).toBe("DRAFT_CONFLICT");
    expect(overlay.fs.readFileSync("b.txt", "utf8")).toBe("theirs, meanwhile\n");
    expect((await overlay.diff()).changes).toEqual([]);
  });
});
