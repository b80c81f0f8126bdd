import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOverlay } from "../../src/api/open-overlay.ts";
import type { Overlay } from "../../src/api/overlay.ts";
import { writeStream } from "../../src/engines/stream/stream.ts";
import { runTool } from "../../src/tools/tool.ts";
import { writeTool } from "../../src/tools/write-tool.ts";

let root: string;
let overlay: Overlay;
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "draftfs-during-")));
  mkdirSync(join(root, "directory"));
  writeFileSync(join(root, "directory/file"), "old");
  overlay = await openOverlay(root);
});
afterEach(async () => {
  await overlay.close();
  rmSync(root, { recursive: true });
});

const onDisk = (path: string): string => readFileSync(join(root, path), "utf8");

/** Begins a commit, and returns when it is being carried out. */
async function beginCommit(): Promise<{ readonly committed: Promise<unknown> }> {
  overlay.fs.writeFileSync("directory/file", "committed");
  const committed = overlay.commit();
  while (overlay.idle === undefined) await setImmediate();
  return { committed };
}

test("a synchronous change during a commit is refused, and nothing of it is lost", async () => {
  const descriptor = overlay.fs.openSync("directory/file", "r+");
  const savepoint = overlay.savepoint();
  const { committed } = await beginCommit();
  const { fs } = overlay;
  const changes: readonly (() => void)[] = [
    () => fs.writeFileSync("directory/file", "later"),
    () => fs.writeFileSync("new", "later"),
    () => fs.appendFileSync("directory/file", "later"),
    () => fs.writeSync(descriptor, "later"),
    () => fs.ftruncateSync(descriptor, 1),
    () => fs.fchmodSync(descriptor, 0o600),
    () => fs.futimesSync(descriptor, 1, 1),
    () => fs.truncateSync("directory/file"),
    () => fs.chmodSync("directory", 0o700),
    () => fs.utimesSync("directory/file", 1, 1),
    () => fs.unlinkSync("directory/file"),
    () => fs.renameSync("directory", "moved"),
    () => fs.linkSync("directory/file", "linked"),
    () => fs.symlinkSync("directory", "link"),
    () => fs.mkdirSync("made"),
    () => fs.rmSync("directory", { recursive: true }),
    () => fs.copyFileSync("directory/file", "copy"),
  ];
  for (const change of changes) {
    expect(change, String(change)).toThrow(expect.objectContaining({ code: "EBUSY" }));
  }
  expect(() => overlay.rollback(savepoint)).toThrow(
    expect.objectContaining({ code: "DRAFT_TRANSACTION" }),
  );
  expect(fs.readFileSync("directory/file", "utf8")).toBe("committed");
  await committed;
  expect(onDisk("directory/file")).toBe("committed");
  expect((await overlay.diff()).changes).toEqual([]);
  for (const change of changes.slice(0, 9)) change();
  expect((await overlay.diff()).changes.map(({ path }) => path)).toEqual([
    "directory",
    "directory/file",
    "new",
  ]);
});

test("every other change during a commit waits for it", async () => {
  const { committed } = await beginCommit();
  const { fs } = overlay;
  const first = fs.promises.writeFile("directory/file", "first");
  const second = fs.promises.appendFile("directory/file", ", second");
  const third = new Promise<unknown>((resolve) => {
    fs.appendFile("called back", "x", resolve);
  });
  const fourth = pipeline(["streamed"], fs.createWriteStream("streamed"));
  const fifth = writeStream(overlay, "written", ["as ", "a stream"]);
  const sixth = runTool(writeTool, { overlay }, { file_path: join(root, "tool"), content: "x" });
  await Promise.all([committed, first, second, third, fourth, fifth, sixth]);
  expect(onDisk("directory/file")).toBe("committed");
  expect(fs.readFileSync("directory/file", "utf8")).toBe("first, second");
  await overlay.commit();
  expect(onDisk("directory/file")).toBe("first, second");
  expect(onDisk("called back")).toBe("x");
  expect(onDisk("streamed")).toBe("streamed");
  expect(onDisk("written")).toBe("as a stream");
  expect(onDisk("tool")).toBe("x");
});

test("nobody waits for a commit that waits for him: a resolver is refused", async () => {
  overlay.fs.writeFileSync("directory/file", "ours");
  writeFileSync(join(root, "directory/file"), "theirs");
  const refused: unknown[] = [];
  await overlay.commitWith(async () => {
    await overlay.fs.promises.writeFile("new", "").catch((error: unknown) => refused.push(error));
    return { kind: "ours" };
  });
  expect(refused).toMatchObject([{ code: "EBUSY" }]);
  expect(onDisk("directory/file")).toBe("ours");
});

test("a commit waits for a transaction, and another commit for the first", async () => {
  const steps: string[] = [];
  const transaction = overlay.transact(async () => {
    overlay.fs.writeFileSync("one", "half");
    await setImmediate();
    overlay.fs.writeFileSync("one", "whole");
    steps.push("transaction");
  });
  await setImmediate();
  overlay.fs.writeFileSync("two", "beside");
  const commit = overlay.commit().then(
    () => steps.push("commit"),
    (error: unknown) => expect(error).toMatchObject({ code: "DRAFT_NOTHING_PENDING" }),
  );
  await Promise.all([transaction, commit]);
  expect(steps[0]).toBe("transaction");
  expect(onDisk("one")).toBe("whole");
});

test("after a commit that has failed everything can be changed again", async () => {
  overlay.fs.writeFileSync("directory/file", "ours");
  writeFileSync(join(root, "directory/file"), "theirs");
  await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  overlay.fs.writeFileSync("directory/file", "still ours");
  await overlay.commitForce();
  expect(onDisk("directory/file")).toBe("still ours");
});
