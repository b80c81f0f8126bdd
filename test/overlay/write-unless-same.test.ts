import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Layer } from "../../src/overlay/layer.ts";
import { open, plant, summary } from "./scratch.ts";

const isRoot = process.geteuid?.() === 0;
const long = "l".repeat(200_000);

/** What a call throws, as Node says it. */
function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    const { code, syscall, path } = error as NodeJS.ErrnoException;
    return `${code} ${syscall} ${path}`;
  }
  return "done";
}

describe("writeUnlessSame", () => {
  const write = (layer: Layer, path: string, content: string) =>
    layer.writeUnlessSame(path, Buffer.from(content));

  it("leaves alone what a file has already, however it is reached", () => {
    const root = plant({ short: "alpha", long, empty: "" });
    fs.symlinkSync("short", join(root, "soft"));
    const layer = open(root);
    expect(write(layer, join(root, "short"), "alpha")).toBe(false);
    expect(write(layer, "soft", "alpha")).toBe(false);
    expect(write(layer, "long", long)).toBe(false);
    expect(write(layer, "empty", "")).toBe(false);
    expect(summary(layer)).toEqual([]);
    layer.fs.writeFileSync("short", "beta!");
    layer.fs.writeFileSync("new", long);
    const { generation } = layer;
    expect(write(layer, "short", "beta!")).toBe(false);
    expect(write(layer, "new", long)).toBe(false);
    expect(layer.generation).toBe(generation);
    expect(write(layer, "short", "alpha")).toBe(true);
  });

  it("writes everything else", () => {
    const root = plant({ short: "alpha", longer: "alpha beta", long });
    fs.symlinkSync("nowhere", join(root, "soft"));
    const layer = open(root);
    expect(write(layer, "short", "ALPHA")).toBe(true);
    expect(write(layer, "longer", "alpha")).toBe(true);
    expect(write(layer, "long", `${long.slice(1)}!`)).toBe(true);
    expect(write(layer, "new", "alpha")).toBe(true);
    expect(write(layer, "soft", long)).toBe(true);
    const content = (path: string) => layer.fs.readFileSync(path, "utf8");
    expect(["short", "longer", "new"].map(content)).toEqual(["ALPHA", "alpha", "alpha"]);
    expect([content("long"), content("nowhere")]).toEqual([`${long.slice(1)}!`, long]);
  });

  it("fails as writeFile does", () => {
    const root = plant({ "d/file": "alpha" });
    const layer = open(root);
    layer.fs.mkdirSync("made");
    const both = (path: string, content: string) => [
      failure(() => write(layer, path, content)),
      failure(() => layer.fs.writeFileSync(path, content)),
    ];
    for (const content of ["alpha", long]) {
      for (const path of ["d", "d/", "d/file/", "none/file", "d/file/x", "", "\0", "made/\0"]) {
        const [own, theirs] = both(path, content);
        expect(own, path).toBe(theirs);
        expect(own, path).not.toBe("done");
      }
    }
    layer.close();
    expect(both("d/file", "alpha")).toEqual(Array(2).fill("EROFS open d/file"));
  });

  it("takes paths and content as writeFile does", () => {
    const layer = open(plant());
    expect(write(layer, "\udcff", "alpha")).toBe(true);
    expect(layer.fs.readdirSync(".", "buffer")).toEqual([Buffer.from("\ufffd")]);
    expect(layer.writeUnlessSame("text", "alpha" as never)).toBe(true);
    expect(layer.fs.readFileSync("text", "utf8")).toBe("alpha");
    expect(layer.writeUnlessSame("text", "alpha" as never)).toBe(false);
    expect(() => layer.writeUnlessSame("text", 5 as never)).toThrow(/"data" argument/);
    expect(() => layer.writeUnlessSame(5 as never, Buffer.from("alpha"))).toThrow(
      /"path" argument/,
    );
  });

  it("asks for the rights that writing needs, and compares only what may be read", () => {
    const root = plant({ readable: "alpha", writable: "alpha", hidden: long });
    fs.chmodSync(root, 0o777);
    fs.chmodSync(join(root, "readable"), 0o444);
    fs.chmodSync(join(root, "writable"), 0o222);
    fs.chmodSync(join(root, "hidden"), 0o222);
    const layer = open(root);
    if (isRoot) process.seteuid?.(65_534);
    try {
      expect(failure(() => write(layer, "readable", "alpha"))).toBe("EACCES open readable");
      expect(write(layer, "writable", "alpha")).toBe(true);
      expect(write(layer, "hidden", long)).toBe(true);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});
