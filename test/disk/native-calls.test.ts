import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs, { constants } from "node:fs";
import { constants as system, tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { NativeCalls } from "../../src/disk/native/native-calls.ts";
import { pinnedPath, pinnedPlaceOf } from "../../src/disk/pinned-place.ts";
import { stampOf } from "../../src/disk/stamp.ts";
import { nativeLoadUs } from "../../src/limits.ts";

const { errno } = system;

/** The module as a process with this environment has it. */
async function freshly(wish: "0" | "1" | undefined) {
  vi.resetModules();
  vi.stubEnv("DRAFTFS_NATIVE", wish);
  return await import("../../src/disk/native/native-calls.ts");
}

afterEach(() => {
  vi.unstubAllEnvs();
});
// The next file of this process loads it in its own environment.
afterAll(() => vi.resetModules());

describe("native calls", () => {
  it("are loaded when they are wanted at once, or never", async () => {
    expect((await freshly("1")).nativeCalls(0)).toBeDefined();
    expect((await freshly("0")).nativeCalls(1e9)).toBeUndefined();
  });

  it("are loaded when they could have saved what loading them costs", async () => {
    const { nativeCalls } = await freshly(undefined);
    expect(nativeCalls(nativeLoadUs / 2)).toBeUndefined();
    expect(nativeCalls(nativeLoadUs / 4)).toBeUndefined();
    expect(nativeCalls(nativeLoadUs / 4)).toBeDefined();
    expect(nativeCalls(0)).toBeDefined();
  });
});

describe.runIf(process.platform === "linux")("a native call", () => {
  let native: NativeCalls;
  let root: string;

  beforeEach(async () => {
    native = (await freshly("1")).nativeCalls(0) as NativeCalls;
    root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "draftfs-native-")));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const read = (descriptor: number): string => {
    const text = fs.readFileSync(descriptor, "utf8");
    fs.closeSync(descriptor);
    return text;
  };

  it("opens a file, and nothing that a link leads to", () => {
    fs.mkdirSync(join(root, "dïr"));
    fs.writeFileSync(join(root, "dïr/file"), "content");
    fs.symlinkSync("dïr", join(root, "link"));
    fs.symlinkSync("file", join(root, "dïr/last"));
    const open = (path: string) => native.openWithoutLinks(join(root, path), constants.O_RDONLY);
    expect(read(open("dïr/file"))).toBe("content");
    expect(open("link/file")).toBe(-errno.ELOOP);
    expect(open("dïr/last")).toBe(-errno.ELOOP);
    expect(open("dïr/none")).toBe(-errno.ENOENT);
    expect(open("dïr/file/none")).toBe(-errno.ENOTDIR);
    const modeAt = (path: string) => native.modeAt(join(root, path));
    expect(modeAt("dïr/file")).toBe(fs.lstatSync(join(root, "dïr/file")).mode);
    expect(modeAt("link")).toBe(fs.lstatSync(join(root, "link")).mode);
    expect(modeAt("dïr/none")).toBe(-errno.ENOENT);
    expect(modeAt("dïr/file/none")).toBe(-errno.ENOTDIR);
  });

  it("describes what lies at a path as Node does, or leaves it to Node", () => {
    const file = join(root, "fïle");
    fs.writeFileSync(file, "content");
    fs.mkdirSync(join(root, "directory"), 0o750);
    fs.symlinkSync("fïle", join(root, "link"));
    fs.linkSync(file, join(root, "second"));
    fs.truncateSync(file, 5 * 2 ** 32 + 3);
    fs.utimesSync(join(root, "directory"), 4_294_967_295.5, 0.25);
    const paths = ["fïle", "second", "directory", "link"].map((name) => join(root, name));
    for (const path of [...paths, "/dev/null", "/dev/tty", "/", "/proc/self/status", "/tmp"]) {
      const stats = native.statAt(path);
      const told = fs.lstatSync(path);
      if (typeof stats === "number") expect.unreachable(`${path}: ${stats}`);
      expect(stats).toBeInstanceOf(fs.Stats);
      expect(Reflect.ownKeys(stats)).toEqual(Reflect.ownKeys(told));
      if (!path.startsWith("/proc")) expect({ ...stats }).toEqual({ ...told });
      expect(stats.mtime).toEqual(new Date(Math.round(stats.mtimeMs)));
      expect(stats.isFile()).toBe(told.isFile());
    }
    for (const [atime, mtime] of [
      [new Date(-1000), 1],
      [1, new Date(-1000)],
      [2 ** 32, 1],
      [1, 2 ** 32],
    ] as const) {
      fs.utimesSync(file, atime, mtime);
      expect(native.statAt(file)).toBe(-1);
    }
    expect(native.statAt(join(root, "none"))).toBe(-errno.ENOENT);
    expect(native.statAt(join(file, "none"))).toBe(-errno.ENOTDIR);
    expect(native.statAt(`${file}\0more`)).toBe(-1);
  });

  it("tells the names in a directory as Node does, or leaves it to Node", () => {
    const listed = (bytesMax: number) => {
      const descriptor = fs.openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        return native.namesIn(descriptor, bytesMax);
      } finally {
        fs.closeSync(descriptor);
      }
    };
    expect(listed(4096)).toEqual([]);
    for (const name of ["b", "A", "a", ".a", "..a", "...", "a b", "\u007f", "-", "n".repeat(255)]) {
      fs.writeFileSync(join(root, name), "");
    }
    expect(listed(4096)).toEqual(fs.readdirSync(root));
    for (let index = 0; index < 2000; index++) fs.symlinkSync("nowhere", join(root, `${index}`));
    expect(listed(Number.POSITIVE_INFINITY)).toEqual(fs.readdirSync(root));
    expect(listed(4096)).toBeUndefined();
    fs.mkdirSync(join(root, "dïr"));
    expect(listed(Number.POSITIVE_INFINITY)).toBeUndefined();
    fs.rmdirSync(join(root, "dïr"));
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/x`), Buffer.of(0xff)]), "");
    expect(listed(Number.POSITIVE_INFINITY)).toBeUndefined();
    const file = fs.openSync(join(root, "a"), constants.O_RDONLY);
    expect(native.namesIn(file, 4096)).toBeUndefined();
    fs.closeSync(file);
  });

  it("does not take a part of a name for a name", () => {
    fs.writeFileSync(join(root, "name"), "other");
    expect(native.openWithoutLinks(`${root}/name\0more`, constants.O_RDONLY)).toBe(-1);
    expect(native.openWithoutLinks(`${root}/name\udc80`, constants.O_RDONLY)).toBe(-1);
    expect(native.modeAt(`${root}/name\0more`)).toBe(-1);
    expect(native.modeAt(`${root}/name\udc80`)).toBe(-1);
    expect(native.renameNew(`${root}/name\0more`, `${root}/new`)).toBe(false);
  });

  it("hands its descriptors to no child", () => {
    fs.writeFileSync(join(root, "file"), "");
    const descriptor = native.openWithoutLinks(join(root, "file"), constants.O_RDONLY);
    const flags = fs.readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    fs.closeSync(descriptor);
    expect(Number.parseInt(/flags:\s+(\d+)/.exec(flags)?.[1] ?? "", 8) & 0o2000000).not.toBe(0);
  });

  it("moves a file to where nothing is, and only there", () => {
    fs.writeFileSync(join(root, "a"), "a");
    fs.writeFileSync(join(root, "b"), "b");
    expect(native.renameNew(join(root, "a"), join(root, "b"))).toBe(false);
    expect(fs.readdirSync(root)).toEqual(["a", "b"]);
    expect(native.renameNew(join(root, "a"), join(root, "c"))).toBe(true);
    expect(fs.readdirSync(root)).toEqual(["b", "c"]);
  });

  it("writes a file system out, and says so when it cannot", async () => {
    const descriptor = fs.openSync(root, constants.O_RDONLY);
    expect(await native.syncfs?.(descriptor)).toBe(true);
    fs.closeSync(descriptor);
    expect(await native.syncfs?.(descriptor)).toBe(false);
  });

  it("gives an open file its blocks before its bytes are there", () => {
    const descriptor = fs.openSync(join(root, "file"), "wx+");
    expect(native.allocate(descriptor, 5000)).toBe(true);
    expect(fs.fstatSync(descriptor).blocks).toBeGreaterThan(0);
    fs.writeSync(descriptor, Buffer.alloc(5000, "x"), 0);
    expect(read(descriptor)).toBe("");
    expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("x".repeat(5000));
    expect(native.allocate(descriptor, 1)).toBe(false);
  });

  it("duplicates a descriptor from a number on, for no child", async () => {
    const descriptor = fs.openSync(root, constants.O_RDONLY);
    const other = (await native.duplicate?.(descriptor, 300)) ?? -1;
    expect(other).toBeGreaterThanOrEqual(300);
    expect(fs.fstatSync(other).ino).toBe(fs.fstatSync(descriptor).ino);
    const flags = fs.readFileSync(`/proc/self/fdinfo/${other}`, "utf8");
    expect(Number.parseInt(/flags:\s+(\d+)/.exec(flags)?.[1] ?? "", 8) & 0o2000000).not.toBe(0);
    for (const open of [descriptor, other]) fs.closeSync(open);
    expect(await native.duplicate?.(descriptor, 300)).toBe(-1);
  });

  it("sums as zlib does, pieces of a buffer and continuations too", () => {
    const bytes = randomBytes(70_000).subarray(1234);
    const trailer = deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4);
    const sum = (previous: number, piece: Buffer) =>
      native.adler32?.(previous, piece, piece.length) ?? 0;
    expect(sum(1, bytes)).toBe(trailer);
    expect(sum(sum(1, bytes.subarray(0, 5552)), bytes.subarray(5552))).toBe(trailer);
  });

  describe("for a name in an open directory", () => {
    let directory: number;

    beforeEach(() => {
      fs.mkdirSync(join(root, "place"));
      directory = fs.openSync(join(root, "place"), constants.O_RDONLY | constants.O_DIRECTORY);
    });
    afterEach(() => fs.closeSync(directory));

    const at = (name: string): string => join(root, "place", name);
    const stampAt = (path: string) => stampOf(fs.lstatSync(path, { bigint: true }));

    it("tells what Node tells of it", () => {
      fs.writeFileSync(at("file"), "content", { mode: 0o640 });
      fs.linkSync(at("file"), at("other name"));
      fs.chmodSync(at("file"), 0o6755);
      fs.utimesSync(at("file"), -1.5, -2.25);
      fs.mkdirSync(at("dïr\n"));
      fs.symlinkSync("nowhere", at("link"));
      execFileSync("mkfifo", [at("fifo")]);
      for (const name of fs.readdirSync(at(""))) {
        expect(native.stampIn({ directory, name })).toEqual(stampAt(at(name)));
      }
      for (const path of ["/dev/null", "/proc/self/status", "/", root]) {
        const descriptor = fs.openSync(path, constants.O_RDONLY);
        const { ino, dev, kind } = native.stampOfOpen(descriptor) ?? {};
        const stats = stampOf(fs.fstatSync(descriptor, { bigint: true }));
        expect({ path, ino, dev, kind }).toEqual({
          path,
          ino: stats.ino,
          dev: stats.dev,
          kind: stats.kind,
        });
        fs.closeSync(descriptor);
      }
    });

    it("tells that nothing is there, and what it cannot tell", () => {
      expect(native.stampIn({ directory, name: "none" })).toBeNull();
      expect(native.stampIn({ directory, name: "no\0name" })).toBeUndefined();
      expect(native.stampIn({ directory, name: "\udc80" })).toBeUndefined();
      expect(native.stampIn({ directory: 9999, name: "none" })).toBeUndefined();
      expect(native.stampIn({ directory, name: "x".repeat(256) })).toBeUndefined();
      expect(native.stampOfOpen(9999)).toBeUndefined();
      expect(native.openIn({ directory, name: "none" }, constants.O_RDONLY, 0)).toBe(-1);
    });

    it("opens it there, closed for children and with the mode that was asked for", () => {
      const name = "new";
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
      const descriptor = native.openIn({ directory, name }, flags, 0o600);
      fs.writeSync(descriptor, "bytes");
      expect(native.isInherited?.(descriptor)).toBe(false);
      fs.closeSync(descriptor);
      expect(fs.readFileSync(at(name), "utf8")).toBe("bytes");
      expect(fs.statSync(at(name)).mode & 0o777).toBe(0o600);
      expect(native.openIn({ directory, name }, flags, 0o600)).toBe(-1);
    });

    it("moves from there and to there, over what lies there or not", () => {
      const pinned = (name: string): string => `${pinnedPath(directory)}/${name}`;
      fs.writeFileSync(join(root, "one"), "one");
      fs.writeFileSync(at("two"), "two");
      expect(native.renameNew(join(root, "one"), pinned("two"))).toBe(false);
      expect(native.rename(join(root, "one"), pinned("two"))).toBe(true);
      expect(native.renameNew(pinned("two"), pinned("three"))).toBe(true);
      expect(native.rename(pinned("three"), join(root, "four"))).toBe(true);
      expect(native.rename(pinned("three"), join(root, "five"))).toBe(false);
      expect(fs.readdirSync(root).sort()).toEqual(["four", "place"]);
      expect(fs.readFileSync(join(root, "four"), "utf8")).toBe("one");
    });
  });
});

describe("a pinned place", () => {
  it("is a name in an open directory, and no other path", () => {
    expect(pinnedPlaceOf(`${pinnedPath(17)}/a b`)).toEqual({ directory: 17, name: "a b" });
    expect(pinnedPlaceOf(`${pinnedPath(3)}/\ud83d\ude00\n`)).toEqual({
      directory: 3,
      name: "\ud83d\ude00\n",
    });
    const others = ["/", "/a/b", "/proc/self/fd/", "/proc/self/fd/3", "/proc/self/fd/3/"];
    const deeper = ["/proc/self/fd/3/a/b", "/proc/self/fd//a", "/proc/self/fd/x/a"];
    for (const path of [...others, ...deeper]) expect(pinnedPlaceOf(path)).toBeUndefined();
  });
});
