import { once } from "node:events";
import nodeFs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open, plant } from "./scratch.ts";

const intervalMs = 20;

/** What a watcher is told, one answer after the other. */
async function sizesTold(fs: typeof nodeFs, root: string): Promise<string[]> {
  const told: string[] = [];
  const at = (path: string) => join(root, path);
  const watch = (path: string) => fs.watchFile(at(path), { interval: intervalMs }, () => {});
  const next = async (path: string, watcher: nodeFs.StatWatcher, act: () => void) => {
    const change = once(watcher, "change");
    act();
    const [now, before] = await change;
    told.push(`${path}: ${before.size} -> ${now.size}`);
  };
  const [file, below] = [watch("f"), watch("d/g")];
  // The first look of the disk's watcher must have been.
  await next("f", file, () => {
    setTimeout(() => fs.appendFileSync(at("f"), "+"), 5 * intervalMs);
  });
  await next("f", file, () => fs.linkSync(at("f"), at("other name")));
  await next("f", file, () => {
    fs.unlinkSync(at("f"));
    fs.symlinkSync("f", at("f"));
  });
  await next("d/g", below, () => {
    fs.renameSync(at("d"), at("e"));
    fs.writeFileSync(at("d"), "a file");
  });
  await next("f", file, () => {
    fs.unlinkSync(at("f"));
    fs.writeFileSync(at("f"), "back again");
  });
  await next("d/g", below, () => {
    fs.unlinkSync(at("d"));
    fs.renameSync(at("e"), at("d"));
    fs.appendFileSync(at("d/g"), "+");
  });
  for (const path of ["f", "d/g"]) fs.unwatchFile(at(path));
  const again = watch("d/g");
  await next("d/g", again, () => {
    setTimeout(() => fs.appendFileSync(at("d/g"), "+"), 5 * intervalMs);
  });
  fs.unwatchFile(at("d/g"));
  fs.symlinkSync("l", at("l"));
  await next("l/x", watch("l/x"), () => {});
  fs.unwatchFile(at("l/x"));
  return told;
}

test("a watched path that leads through a file or round in circles is as good as absent", async () => {
  const files = { f: "alpha", "d/g": "golf" };
  const onDisk = await sizesTold(nodeFs, plant(files));
  const root = plant(files);
  expect(await sizesTold(open(root).fs, root)).toEqual(onDisk);
});
