import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { currentOverlay, putUnder } from "../../src/vitest/current-overlay.ts";
import { fsModule } from "../../src/vitest/fs-module.ts";
import {
  changesBetween,
  type Fingerprint,
  fingerprintOf,
} from "../conformance/harness/lower-guard.ts";

// The module by itself, without the mock that puts it in the place of node:fs.

const fs = fsModule();
let home = "";
let root = "";
let before: Fingerprint;
let layer: Layer;
let takeAway: () => void;

beforeEach(() => {
  home = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-routed-")));
  root = join(home, "root");
  for (const directory of ["root/d", "root-twin", "outside"]) {
    nodeFs.mkdirSync(join(home, directory), { recursive: true });
    nodeFs.writeFileSync(join(home, directory, "f"), directory);
  }
  before = fingerprintOf(nodeFs, home);
  layer = openLayer({ root });
  takeAway = putUnder({ fs: layer.fs, root });
});

afterEach(() => {
  takeAway();
  layer.close();
  const changes = changesBetween(before, fingerprintOf(nodeFs, home));
  nodeFs.rmSync(home, { recursive: true, force: true });
  expect(changes).toEqual([]);
});

/** As code writes it that was started elsewhere. */
const relativeTo = (path: string): string => relative(process.cwd(), join(home, path));

describe("calls of node:fs while an overlay lies under it", () => {
  const calls = {
    symlinkSync: () => fs.symlinkSync("f", relativeTo("root/d/new")),
    linkSync: () => fs.linkSync(relativeTo("root/d/f"), relativeTo("root/d/new")),
    renameSync: () => fs.renameSync(relativeTo("root/d/f"), relativeTo("root/d/new")),
    copyFileSync: () => fs.copyFileSync(relativeTo("root/d/f"), relativeTo("root/d/new")),
    cpSync: () => fs.cpSync(relativeTo("root/d/f"), relativeTo("root/d/new")),
    "promises.symlink": () => fs.promises.symlink("f", relativeTo("root/d/new")),
    "promises.link": () => fs.promises.link(relativeTo("root/d/f"), relativeTo("root/d/new")),
    "promises.rename": () => fs.promises.rename(relativeTo("root/d/f"), relativeTo("root/d/new")),
    "promises.copyFile": () => {
      return fs.promises.copyFile(relativeTo("root/d/f"), relativeTo("root/d/new"));
    },
    "promises.cp": () => fs.promises.cp(relativeTo("root/d/f"), relativeTo("root/d/new")),
    "promisify(copyFile)": () => {
      return promisify(fs.copyFile)(relativeTo("root/d/f"), relativeTo("root/d/new"));
    },
  };
  for (const [name, call] of Object.entries(calls)) {
    test(`${name} takes both of its relative paths to it`, async () => {
      await call();
      expect(layer.fs.readFileSync("d/new", "utf8")).toBe("root/d");
    });
  }

  test("a path that only one of two is of it is refused by it, and not carried out on the disk", () => {
    const [inside, outside] = [relativeTo("root/d/f"), relativeTo("outside/f")];
    const refused = { code: "EACCES" };
    expect(() => fs.renameSync(outside, inside)).toThrow(expect.objectContaining(refused));
    expect(() => fs.renameSync(inside, outside)).toThrow(expect.objectContaining(refused));
    expect(() => fs.linkSync(outside, `${inside}.new`)).toThrow(expect.objectContaining(refused));
    expect(() => fs.cpSync(inside, `${outside}.new`)).toThrow(expect.objectContaining(refused));
  });

  test("descriptors are those of whoever opened the file", async () => {
    for (const directory of ["root/d", "outside"]) {
      const descriptor = fs.openSync(join(home, directory, "f"), "r");
      const buffer = Buffer.alloc(20);
      const count = fs.readSync(descriptor, buffer);
      expect(buffer.toString("utf8", 0, count)).toBe(directory);
      expect(fs.fstatSync(descriptor).size).toBe(directory.length);
      expect((await promisify(fs.read)(descriptor, buffer, 0, 20, 0)).bytesRead).toBe(count);
      fs.closeSync(descriptor);
    }
    const descriptor = fs.openSync(join(root, "d/f"), "w");
    fs.writeSync(descriptor, "written");
    fs.closeSync(descriptor);
    expect(layer.fs.readFileSync("d/f", "utf8")).toBe("written");
  });

  test("a path is taken for what it means, however it is spelled", async () => {
    layer.fs.writeFileSync("d/f", "changed");
    const path = join(root, "d/f");
    expect(fs.readFileSync(`${home}/outside/../root/d/f`, "utf8")).toBe("changed");
    expect(fs.readFileSync(`${root}/../outside/f`, "utf8")).toBe("outside");
    expect(fs.readFileSync(`${root}-twin/f`, "utf8")).toBe("root-twin");
    expect(fs.readFileSync(pathToFileURL(path), "utf8")).toBe("changed");
    expect(fs.readFileSync(Buffer.from(path), "utf8")).toBe("changed");
    expect(await fs.promises.readFile(path, "utf8")).toBe("changed");
    expect(await promisify(fs.exists)(path)).toBe(true);
    layer.fs.symlinkSync("d", "link");
    expect(fs.realpathSync.native(join(root, "link/f"))).toBe(path);
  });
});

test("an overlay that is taken away leaves the one below it", () => {
  const inner = openLayer({ root: join(root, "d") });
  const takeInnerAway = putUnder({ fs: inner.fs, root: join(root, "d") });
  layer.fs.writeFileSync("d/f", "outer");
  inner.fs.writeFileSync("f", "inner");
  expect(fs.readFileSync(join(root, "d/f"), "utf8")).toBe("inner");
  takeInnerAway();
  inner.close();
  expect(currentOverlay()?.fs).toBe(layer.fs);
  expect(fs.readFileSync(join(root, "d/f"), "utf8")).toBe("outer");
});
