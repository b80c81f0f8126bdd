import nodeFs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LowerFileSystem } from "../../src/disk/lower/lower.ts";
import { open, plant } from "./scratch.ts";

/** The disk, on which somebody acts right before a link is read, as often as `act` says. */
function lowerWith(act: () => void): LowerFileSystem {
  const readlinkSync = (...args: Parameters<typeof nodeFs.readlinkSync>) => {
    act();
    return nodeFs.readlinkSync(...args);
  };
  return { ...nodeFs, readlinkSync } as unknown as LowerFileSystem;
}

test("a link that becomes a directory while it is followed is entered as one", () => {
  const root = plant({ "e/f": "linked", "own/f": "own" });
  const link = join(root, "d");
  nodeFs.symlinkSync("e", link);
  let acts = 0;
  const lower = lowerWith(() => {
    if (acts++ > 0) return;
    nodeFs.rmSync(link);
    nodeFs.renameSync(join(root, "own"), link);
  });
  const { fs } = open(root, { lower });
  expect(fs.readFileSync(join(link, "f"), "utf8")).toBe("own");
  expect(acts).toBe(1);
});

test("a link that goes on changing is given up", () => {
  const root = plant({ "e/f": "linked" });
  const link = join(root, "d");
  let acts = 0;
  const lower = lowerWith(() => {
    acts += 1;
    throw Object.assign(new Error("EINVAL: invalid argument, readlink"), { code: "EINVAL" });
  });
  nodeFs.symlinkSync("e", link);
  const { fs } = open(root, { lower });
  expect(() => fs.readFileSync(join(link, "f"))).toThrow("EINVAL");
  expect(acts).toBeGreaterThan(1);
  expect(acts).toBeLessThan(50);
});
