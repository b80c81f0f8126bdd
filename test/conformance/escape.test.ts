import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { changesBetween, type Fingerprint, fingerprintOf } from "./harness/lower-guard.ts";

// Here the real file system is no judge: it lets every path out of the root, the overlay none.

let home = "";
let root = "";
let secret = "";
let before: Fingerprint;
let layer: Layer;

beforeEach(() => {
  home = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-escape-")));
  root = join(home, "root");
  nodeFs.mkdirSync(join(root, "d/sub"), { recursive: true });
  nodeFs.writeFileSync(join(root, "a.txt"), "inside");
  nodeFs.mkdirSync(join(home, "outside"));
  secret = join(home, "outside/secret.txt");
  nodeFs.writeFileSync(secret, "secret");
  nodeFs.symlinkSync("../outside", join(root, "out"));
  nodeFs.symlinkSync(join(home, "outside"), join(root, "absolute"));
  nodeFs.symlinkSync(secret, join(root, "file"));
  nodeFs.symlinkSync("out", join(root, "chained"));
  nodeFs.symlinkSync("../../outside/secret.txt", join(root, "d/deep"));
  nodeFs.writeFileSync(join(home, "root-twin"), "a sibling whose name begins with the root's");
  before = fingerprintOf(nodeFs, home);
  layer = openLayer({ root });
});

afterEach(() => {
  layer.close();
  const changes = changesBetween(before, fingerprintOf(nodeFs, home));
  nodeFs.rmSync(home, { recursive: true, force: true });
  expect(changes).toEqual([]);
});

/** The code of the error that `action` throws. */
function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  return "no error";
}

describe("no path leads out of the root", () => {
  const ways: Readonly<Record<string, () => string>> = {
    "an absolute path": () => secret,
    "dots from the root": () => `${root}/../outside/secret.txt`,
    "dots from a directory": () => `${root}/d/sub/../../../outside/secret.txt`,
    "a relative path": () => "../outside/secret.txt",
    "a relative link": () => join(root, "out/secret.txt"),
    "an absolute link": () => join(root, "absolute/secret.txt"),
    "a link to a file": () => join(root, "file"),
    "a chain of links": () => join(root, "chained/secret.txt"),
    "a deep link": () => join(root, "d/deep"),
    "dots after a link": () => `${root}/out/../outside/secret.txt`,
    "a sibling with the root's name in front": () => `${root}-twin`,
  };

  for (const [name, way] of Object.entries(ways)) {
    test(`${name}: reads are EACCES`, () => {
      const { fs } = layer;
      const path = way();
      const reads = {
        readFile: () => fs.readFileSync(path),
        stat: () => fs.statSync(path),
        access: () => fs.accessSync(path),
        open: () => fs.openSync(path, "r"),
        copy: () => fs.copyFileSync(path, join(root, "copy")),
        realpath: () => fs.realpathSync.native(path),
      };
      const codes = Object.entries(reads).map(([call, act]) => `${call} ${codeOf(act)}`);
      expect(codes).toEqual(Object.keys(reads).map((call) => `${call} EACCES`));
      expect(fs.existsSync(path)).toBe(false);
    });

    test(`${name}: writes are EACCES and touch nothing`, () => {
      const { fs } = layer;
      const path = way();
      const writes = {
        writeFile: () => fs.writeFileSync(path, "x"),
        appendFile: () => fs.appendFileSync(path, "x"),
        truncate: () => fs.truncateSync(path),
        chmod: () => fs.chmodSync(path, 0o777),
        utimes: () => fs.utimesSync(path, 1, 2),
        copyFile: () => fs.copyFileSync(join(root, "a.txt"), path),
      };
      const codes = Object.entries(writes).map(([call, act]) => `${call} ${codeOf(act)}`);
      expect(codes).toEqual(Object.keys(writes).map((call) => `${call} EACCES`));
    });
  }

  test("a way around outside that the disk does not have is none back to the root", () => {
    const { fs } = layer;
    expect(codeOf(() => fs.statSync(`/nonexistent/..${root}/a.txt`))).toBe("ENOENT");
    expect(codeOf(() => fs.statSync(`${secret}/../../root/a.txt`))).toBe("ENOTDIR");
    expect(codeOf(() => fs.statSync(`${home}/outside/../root/a.txt`))).toBe("no error");
  });

  test("names cannot be moved, linked or made across the edge", () => {
    const { fs } = layer;
    const inside = join(root, "a.txt");
    expect(codeOf(() => fs.renameSync(inside, join(home, "outside/moved")))).toBe("EACCES");
    expect(codeOf(() => fs.renameSync(secret, join(root, "moved")))).toBe("EACCES");
    expect(codeOf(() => fs.renameSync(inside, join(root, "out/moved")))).toBe("EACCES");
    expect(codeOf(() => fs.linkSync(secret, join(root, "hard")))).toBe("EACCES");
    expect(codeOf(() => fs.linkSync(inside, join(root, "out/hard")))).toBe("EACCES");
    expect(codeOf(() => fs.mkdirSync(join(root, "out/new")))).toBe("EACCES");
    expect(codeOf(() => fs.mkdirSync(join(root, "out/n/m"), { recursive: true }))).toBe("EACCES");
    expect(codeOf(() => fs.symlinkSync("x", join(root, "out/link")))).toBe("EACCES");
    expect(codeOf(() => fs.rmSync(join(root, "out/secret.txt")))).toBe("EACCES");
    expect(codeOf(() => fs.readdirSync(join(root, "out")))).toBe("EACCES");
    expect(codeOf(() => fs.mkdtempSync(join(home, "outside/t-")))).toBe("EACCES");
  });

  test("a link out of the root is itself a node like any other", () => {
    const { fs } = layer;
    expect(fs.lstatSync(join(root, "out")).isSymbolicLink()).toBe(true);
    expect(fs.readlinkSync(join(root, "out"))).toBe("../outside");
    fs.renameSync(join(root, "out"), join(root, "d/out"));
    fs.rmSync(join(root, "absolute"), { recursive: true });
    fs.symlinkSync("/etc", join(root, "etc"));
    expect(codeOf(() => fs.readdirSync(join(root, "etc")))).toBe("EACCES");
    expect(fs.readdirSync(root).sort()).toEqual(["a.txt", "chained", "d", "etc", "file"]);
  });

  test("a link moved so that it leads out is refused from then on", () => {
    const { fs } = layer;
    fs.symlinkSync("../a.txt", join(root, "d/up"));
    expect(fs.readFileSync(join(root, "d/up"), "utf8")).toBe("inside");
    fs.renameSync(join(root, "d/up"), join(root, "up"));
    expect(codeOf(() => fs.readFileSync(join(root, "up")))).toBe("EACCES");
  });

  test("links outside are followed as often as the kernel follows them, and no longer", () => {
    nodeFs.symlinkSync("b", join(home, "outside/a"));
    nodeFs.symlinkSync("a", join(home, "outside/b"));
    for (let index = 0; index < 41; index++) {
      nodeFs.symlinkSync(`l${index + 1}`, join(home, `outside/l${index}`));
    }
    nodeFs.symlinkSync("../root", join(home, "outside/l41"));
    before = fingerprintOf(nodeFs, home);
    const { fs } = layer;
    expect(codeOf(() => fs.readFileSync(join(root, "out/l39/a.txt")))).toBe("no error");
    expect(codeOf(() => fs.readFileSync(join(root, "out/l0/a.txt")))).toBe("ELOOP");
    expect(codeOf(() => fs.readFileSync(join(root, "out/a/x")))).toBe("ELOOP");
  });

  test("promises and streams are behind the same gate", async () => {
    const { fs } = layer;
    await expect(fs.promises.readFile(secret)).rejects.toMatchObject({ code: "EACCES" });
    await expect(fs.promises.open(join(root, "file"), "w")).rejects.toMatchObject({
      code: "EACCES",
    });
    const stream = fs.createReadStream(join(root, "out/secret.txt"));
    const error = await new Promise((resolve) => stream.once("error", resolve));
    expect(error).toMatchObject({ code: "EACCES" });
  });
});

test("a lower directory swapped for a link to a sibling named like the root leads nowhere", () => {
  const { fs } = layer;
  nodeFs.mkdirSync(join(home, "root-more"));
  nodeFs.writeFileSync(join(home, "root-more/secret.txt"), "secret");
  expect(fs.readdirSync(join(root, "d"))).toEqual(["deep", "sub"]);
  nodeFs.renameSync(join(root, "d"), join(home, "was-d"));
  nodeFs.symlinkSync("../root-more", join(root, "d"));
  try {
    expect(codeOf(() => fs.readFileSync(join(root, "d/secret.txt")))).toBe("EACCES");
    expect(codeOf(() => fs.readdirSync(join(root, "d")))).toBe("EACCES");
  } finally {
    nodeFs.unlinkSync(join(root, "d"));
    nodeFs.renameSync(join(home, "was-d"), join(root, "d"));
    before = fingerprintOf(nodeFs, home);
  }
});

test("a lower directory swapped for a link out leads nowhere", () => {
  const { fs } = layer;
  expect(fs.readdirSync(join(root, "d"))).toEqual(["deep", "sub"]);
  nodeFs.renameSync(join(root, "d"), join(home, "was-d"));
  nodeFs.symlinkSync("../outside", join(root, "d"));
  try {
    expect(codeOf(() => fs.readFileSync(join(root, "d/secret.txt")))).not.toBe("no error");
  } finally {
    nodeFs.unlinkSync(join(root, "d"));
    nodeFs.renameSync(join(home, "was-d"), join(root, "d"));
    before = fingerprintOf(nodeFs, home);
  }
});
