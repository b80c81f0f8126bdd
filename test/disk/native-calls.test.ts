import { randomBytes } from "node:crypto";
import fs, { constants } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { NativeCalls } from "../../src/disk/native-calls.ts";
import { nativeLoadUs } from "../../src/limits.ts";

/** The module as a process with this environment has it. */
async function freshly(wish: "0" | "1" | undefined) {
  vi.resetModules();
  vi.stubEnv("DRAFTFS_NATIVE", wish);
  return await import("../../src/disk/native-calls.ts");
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
    expect(open("link/file")).toBe(-1);
    expect(open("dïr/last")).toBe(-1);
    expect(open("dïr/none")).toBe(-1);
  });

  it("does not take a part of a name for a name", () => {
    fs.writeFileSync(join(root, "name"), "other");
    expect(native.openWithoutLinks(`${root}/name\0more`, constants.O_RDONLY)).toBe(-1);
    expect(native.openWithoutLinks(`${root}/name\udc80`, constants.O_RDONLY)).toBe(-1);
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
});
