import nodeFs from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import fastGlob from "fast-glob";
import { fdir } from "fdir";
import gracefulFs from "graceful-fs";
import { createFsFromVolume, Volume } from "memfs";
import { glob as tinyGlob, globSync as tinyGlobSync } from "tinyglobby";
import { Union } from "unionfs";
import { describe, expect, test, vi } from "vitest";
import { openLayer } from "../../src/overlay/layer.ts";
import type { Fs } from "../conformance/harness/seed.ts";
import { useDropInProject } from "./drop-in-project.ts";

// Loading graceful-fs replaces two functions of Node itself; other files share this process.
const { close, closeSync } = vi.hoisted(() => ({ ...process.getBuiltinModule("node:fs") }));
Object.assign(nodeFs, { close, closeSync });

const project = useDropInProject();

/** Changes that a glob must see. */
function change(): string[] {
  const { fs, root } = project;
  fs.writeFileSync(join(root, "docs/c.md"), "c\n");
  fs.unlinkSync(join(root, "docs/a.md"));
  fs.renameSync(join(root, "src/deep"), join(root, "docs/deep"));
  fs.writeFileSync(join(root, "docs/deep/er/new.md"), "new\n");
  return ["README.md", "docs/b.md", "docs/c.md", "docs/deep/er/new.md"];
}

describe("globs over an overlay", () => {
  test("fast-glob, sync, promise and stream", async () => {
    const expected = change();
    const options = { cwd: project.root, fs: project.fs };
    expect(fastGlob.sync("**/*.md", options).sort()).toEqual(expected);
    expect((await fastGlob.async("**/*.md", options)).sort()).toEqual(expected);
    const found: string[] = [];
    for await (const path of fastGlob.stream("**/*.md", options)) found.push(String(path));
    expect(found.sort()).toEqual(expected);
    expect(await fastGlob("**/leaf.ts", { ...options, stats: true })).toHaveLength(1);
  });

  test("tinyglobby, sync and promise", async () => {
    const expected = change();
    const options = { cwd: project.root, fs: project.fs };
    expect(tinyGlobSync("**/*.md", options).sort()).toEqual(expected);
    expect((await tinyGlob("**/*.md", options)).sort()).toEqual(expected);
  });

  test("fdir, sync and promise", async () => {
    const expected = change();
    const crawler = () =>
      new fdir({ fs: project.fs })
        .withRelativePaths()
        .exclude((name) => name === ".git")
        .filter((path) => path.endsWith(".md"))
        .crawl(project.root);
    expect(crawler().sync().sort()).toEqual(expected);
    expect((await crawler().withPromise()).sort()).toEqual(expected);
  });
});

describe("graceful-fs over an overlay", () => {
  test("reads, writes, streams and renames", async () => {
    const fs = gracefulFs.gracefulify({ ...project.fs } as Fs);
    const at = (path: string) => join(project.root, path);
    await promisify(fs.writeFile)(at("new.md"), "new");
    await promisify(fs.rename)(at("new.md"), at("docs/new.md"));
    expect((await promisify(fs.readdir)(at("docs"))).sort()).toEqual(["a.md", "b.md", "new.md"]);
    expect(await promisify(fs.readFile)(at("docs/new.md"), "utf8")).toBe("new");
    const stream = fs.createWriteStream(at("docs/stream.md"));
    stream.end("streamed");
    await new Promise<void>((resolve) => stream.once("close", resolve));
    let text = "";
    for await (const piece of fs.createReadStream(at("docs/stream.md"), "utf8")) text += piece;
    expect(text).toBe("streamed");
    await expect(promisify(fs.readFile)(at("missing"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("survives more opens at once than a process may have", async () => {
    const fs = gracefulFs.gracefulify({ ...project.fs } as Fs);
    const reads = Array.from({ length: 3000 }, () =>
      promisify(fs.readFile)(join(project.root, "README.md"), "utf8"),
    );
    expect(new Set(await Promise.all(reads))).toEqual(new Set(["# A project\n"]));
  });
});

describe("other file systems below an overlay", () => {
  test("a memfs volume stays as it was", () => {
    const volume = Volume.fromJSON({ "/p/a.txt": "a", "/p/d/b.txt": "b" });
    const before = volume.toJSON();
    const { fs } = openLayer({ root: "/p", lower: createFsFromVolume(volume) as unknown as Fs });
    fs.renameSync("/p/d", "/p/e");
    fs.appendFileSync("/p/e/b.txt", "+");
    fs.unlinkSync("/p/a.txt");
    expect(fs.readFileSync("/p/e/b.txt", "utf8")).toBe("b+");
    expect(fs.readdirSync("/p")).toEqual(["e"]);
    expect(volume.toJSON()).toEqual(before);
  });

  test("a union of two volumes reads through, the last one first, and stays as it was", () => {
    const below = Volume.fromJSON({ "/p/a.txt": "below", "/p/only-below.txt": "below" });
    const above = Volume.fromJSON({ "/p/a.txt": "above", "/p/only-above.txt": "above" });
    const before = [below.toJSON(), above.toJSON()];
    const union = new Union();
    for (const volume of [below, above]) union.use(createFsFromVolume(volume) as unknown as Fs);
    const { fs } = openLayer({ root: "/p", lower: union as unknown as Fs });
    expect(fs.readdirSync("/p").sort()).toEqual(["a.txt", "only-above.txt", "only-below.txt"]);
    expect(fs.readFileSync("/p/a.txt", "utf8")).toBe("above");
    fs.unlinkSync("/p/only-below.txt");
    fs.appendFileSync("/p/only-above.txt", "+");
    fs.rmSync("/p/a.txt");
    expect(fs.readdirSync("/p")).toEqual(["only-above.txt"]);
    expect(fs.readFileSync("/p/only-above.txt", "utf8")).toBe("above+");
    expect([below.toJSON(), above.toJSON()]).toEqual(before);
  });

  test("an overlay over an overlay sees its pending changes and leaves them alone", () => {
    const { fs: below, root } = project;
    below.writeFileSync(join(root, "docs/c.md"), "pending below");
    below.unlinkSync(join(root, "docs/a.md"));
    const { fs } = openLayer({ root, lower: below });
    expect(fs.readdirSync(join(root, "docs")).sort()).toEqual(["b.md", "c.md"]);
    fs.appendFileSync(join(root, "docs/c.md"), ", and above");
    fs.writeFileSync(join(root, "docs/a.md"), "back");
    expect(below.readFileSync(join(root, "docs/c.md"), "utf8")).toBe("pending below");
    expect(below.existsSync(join(root, "docs/a.md"))).toBe(false);
    expect(fs.readFileSync(join(root, "docs/c.md"), "utf8")).toBe("pending below, and above");
    expect(nodeFs.readFileSync(join(root, "docs/a.md"), "utf8")).toBe("a\n");
  });
});
