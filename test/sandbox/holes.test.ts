import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nativeCalls } from "../../src/disk/native/native-calls.ts";
import { openOverlay } from "../../src/index.ts";
import { allEngines, treeOf } from "./sandbox-fixture.ts";

/** Where holes can be skipped, so much that whoever reads or writes all of it does not come back. */
const hasSeek = nativeCalls(Number.POSITIVE_INFINITY)?.seek !== undefined;
const size = hasSeek ? 1024 ** 4 : 64 * 1024 ** 2;
const middle = size / 2 + 1000;

/** Most bytes that a file with a few written ones may take. */
const allocatedBytesMax = 4 * 1024 ** 2;

function expectSparse(path: string): void {
  const stats = statSync(path);
  expect(stats.size).toBe(size);
  expect(stats.blocks * 512).toBeLessThan(allocatedBytesMax);
}

function bytesAt(path: string, position: number, length: number): string {
  const descriptor = openSync(path, "r");
  const bytes = Buffer.alloc(length);
  readSync(descriptor, bytes, 0, length, position);
  closeSync(descriptor);
  return bytes.toString("latin1");
}

describe.each(allEngines)("holes that commands of engine %s make", (engine) => {
  it("stay holes in a draft, on the disk, and when they are undone and redone", async () => {
    const root = treeOf({ large: "begin" });
    const path = join(root, "large");
    const require = engine === "clone" ? "cooperative" : "enforced";
    const sandbox = { engine, require } as const;
    const draft = await openOverlay(root, { sandbox, draft: "holes" });
    const script = `truncate -s ${size} large empty; printf x | dd of=large bs=1 seek=${middle} conv=notrunc`;
    await draft.run("sh", ["-c", script], { stdio: "ignore" });
    // What is pending is moved out of the namespace, and back into the next one.
    await draft.run("true", [], { stdio: "ignore" });
    await draft.saveDraft();
    await draft.close();
    const overlay = await openOverlay(root, { sandbox, draft: "holes" });
    const show = `tail -c +${middle} large | head -c 3 | tr '\\0' 0; stat -c %s-%b empty`;
    const shown = await overlay.spawn("sh", ["-c", show], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    shown.child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await shown.result;
    expect(said).toBe(`0x0${size}-0\n`);
    await overlay.commit({ message: "holes" });
    for (const name of ["large", "empty"]) expectSparse(join(root, name));
    expect(bytesAt(path, middle - 1, 3)).toBe("\0x\0");
    expect(bytesAt(path, 0, 6)).toBe("begin\0");
    expect((await overlay.verify()).problems).toEqual([]);
    expect((await overlay.previewUndo()).deletions).toEqual(["empty"]);
    await overlay.undo();
    expect(statSync(path).size).toBe(5);
    await overlay.redo();
    expectSparse(path);
    expect(bytesAt(path, middle - 1, 3)).toBe("\0x\0");

    await overlay.close();
  });
});

describe("holes that are made through the file system of an overlay", () => {
  it("stay holes in a draft, in what a command sees, and on the disk", async () => {
    const root = treeOf({ large: "begin" });
    const path = join(root, "large");
    const draft = await openOverlay(root, { draft: "holes" });
    draft.fs.truncateSync(path, size);
    draft.fs.writeFileSync(join(root, "empty"), "");
    draft.fs.truncateSync(join(root, "empty"), size);
    const descriptor = draft.fs.openSync(path, "r+");
    draft.fs.writeSync(descriptor, Buffer.from("x"), 0, 1, middle);
    draft.fs.closeSync(descriptor);
    await draft.saveDraft();
    await draft.close();
    const overlay = await openOverlay(root, { draft: "holes" });
    const { changes } = await overlay.diff();
    expect(changes.map((change) => change.path)).toEqual(["empty", "large"]);
    const seen = await overlay.run("sh", ["-c", "test $(stat -c %b large) -lt 8192"], {
      stdio: "ignore",
    });
    expect([seen.exitCode, seen.changes]).toEqual([0, []]);
    await overlay.commit({ message: "holes" });
    for (const name of ["large", "empty"]) expectSparse(join(root, name));
    expect(bytesAt(path, middle - 1, 3)).toBe("\0x\0");
    await overlay.close();
  });
});
