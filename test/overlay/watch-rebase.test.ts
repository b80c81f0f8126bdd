import nodeFs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Layer } from "../../src/overlay/layer.ts";
import { open, plant } from "./scratch.ts";

/** Long enough for the events of the disk to have arrived. */
const settleMs = 200;

/** Watches a path; what is told from now on is in the list. */
function watch(layer: Layer, path: string): string[] {
  const told: string[] = [];
  const watcher = layer.fs.watch(path, { recursive: true }, (kind, name) => {
    told.push(`${kind} ${name}`);
  });
  watcher.unref();
  return told;
}

/** What is told of an action, once what was told before has arrived. */
async function toldOf(told: string[], act: () => void): Promise<string[]> {
  await sleep(settleMs);
  told.length = 0;
  act();
  await sleep(settleMs);
  return [...new Set(told)];
}

test("a watcher of a directory goes on after a commit in it, and after a reset", async () => {
  const root = plant({ "d/s/a": "a" });
  const layer = open(root);
  const told = watch(layer, "d");
  layer.fs.writeFileSync("d/s/a", "A");
  nodeFs.writeFileSync(join(root, "d/s/a"), "A");
  layer.rebase();
  expect(await toldOf(told, () => layer.fs.appendFileSync("d/s/a", "+"))).toContain("change s/a");
  layer.reset();
  expect(await toldOf(told, () => layer.fs.unlinkSync("d/s/a"))).toContain("rename s/a");
  layer.close();
});

test("a watcher of a directory goes on where the commit has moved it", async () => {
  const root = plant({ "d/a": "a" });
  const layer = open(root);
  const told = watch(layer, "d");
  layer.fs.renameSync("d", "e");
  nodeFs.renameSync(join(root, "d"), join(root, "e"));
  layer.rebase();
  expect(await toldOf(told, () => layer.fs.appendFileSync("e/a", "+"))).toContain("change a");
  layer.close();
});

test("a watcher of a new directory hears of other programs once it is committed", async () => {
  const root = plant();
  const layer = open(root);
  layer.fs.mkdirSync("d");
  const told = watch(layer, "d");
  nodeFs.mkdirSync(join(root, "d"));
  layer.rebase();
  const write = () => nodeFs.writeFileSync(join(root, "d/theirs"), "x");
  expect(await toldOf(told, write)).toContain("rename theirs");
  layer.close();
});

// fsnotify/fsnotify#134.
test("a watcher of a file goes on with the file that a commit put in its place", async () => {
  const root = plant({ f: "f" });
  const layer = open(root);
  const told = watch(layer, "f");
  layer.fs.writeFileSync("f", "F");
  nodeFs.writeFileSync(join(root, "next"), "F");
  nodeFs.renameSync(join(root, "next"), join(root, "f"));
  layer.rebase();
  expect(await toldOf(told, () => layer.fs.appendFileSync("f", "+"))).toContain("change f");
  layer.close();
});
