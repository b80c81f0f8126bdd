import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type BatchBuilder, batch } from "../../src/engines/batch/batch.ts";
import { orderByDependencies } from "../../src/engines/batch/dependency-order.ts";
import { type Transaction, transaction } from "../../src/engines/batch/transaction.ts";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import { WritePipeline } from "../../src/engines/optimizer/write-pipeline.ts";
import { extractTemplate } from "../../src/engines/template/extract-template.ts";
import { batchFromTemplate } from "../../src/engines/template/template-files.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { Meter } from "../../src/metrics/meter.ts";
import { overlayKinds, viewOf } from "./support/layer-overlay.ts";
import { plainOverlay, plant, treeOf, watchedFs } from "./support/plain-overlay.ts";

const text = (content: string, mode = "644") => `${mode} ${Buffer.from(content).toString("hex")}`;

describe.each(overlayKinds)("batch over %s", (_name, overlayOver) => {
  function over(files: Record<string, string>) {
    const planted = plainOverlay();
    plant(planted.root, files);
    return overlayOver(planted.root);
  }

  it("does everything that it was asked to, one write a file", async () => {
    const overlay = over({ "old.txt": "old", "b.txt": "1 2", "tree/x": "x", "gone.txt": "g" });
    const result = await batch(overlay, async (b) => {
      b.write("new/a.txt", "first").write("new/a.txt", "second");
      b.edit("b.txt", replaceText("1", "one")).edit("b.txt", replaceText("2", "two"));
      b.remove("gone.txt").makeDirectory("empty/dir");
      b.move("old.txt", "moved/new.txt").edit("moved/new.txt", replaceText("old", "new"));
      b.removeTree("tree");
    });
    expect(viewOf(overlay)).toEqual({
      "b.txt": text("one two"),
      empty: "/",
      "empty/dir": "/",
      moved: "/",
      "moved/new.txt": text("new"),
      new: "/",
      "new/a.txt": text("second"),
    });
    expect(result).toMatchObject({ outcome: "applied", operations: 9, deletes: 2, moves: 1 });
  });

  it("puts a directory where a file was deleted", async () => {
    const overlay = over({ a: "a" });
    const result = await batch(overlay, (b) => b.write("z", "z").remove("a").write("a/b", "b"));
    expect(result.outcome).toBe("applied");
    expect(viewOf(overlay)).toEqual({ a: "/", "a/b": text("b"), z: text("z") });
  });

  it("leaves nothing of an atomic batch that fails, and says what failed", async () => {
    const overlay = over({ "a.txt": "a" });
    const before = viewOf(overlay);
    const result = await batch(overlay, (b) => {
      b.write("x/y.txt", "y").move("a.txt", "b.txt").edit("b.txt", replaceText("z", "y"));
    });
    expect(viewOf(overlay)).toEqual(before);
    expect(result).toMatchObject({
      outcome: "rolled_back",
      writes: 0,
      failed: [{ index: 2, operation: { kind: "edit", path: "b.txt" } }],
      error: { code: "DRAFT_EDIT_FAILED" },
    });
  });

  it("retries only what failed, alone, when it is not atomic", async () => {
    const overlay = over({ "a.txt": "a" });
    const result = await batch(
      overlay,
      (b) => {
        b.edit("late.txt", replaceText("x", "y")); // There is no such file yet.
        b.edit("a.txt", replaceText("nope", "y"));
        b.write("late.txt", "x");
        b.edit("a.txt", replaceText("a", "A"));
      },
      { atomic: false },
    );
    expect(result).toMatchObject({
      outcome: "partial_recovery",
      recovered: [0],
      failed: [{ index: 1, error: { code: "DRAFT_EDIT_FAILED" } }],
    });
    expect(viewOf(overlay)).toEqual({ "a.txt": text("A"), "late.txt": text("y") });
  });

  it("lets operations that cancel each other vanish", async () => {
    const overlay = over({ "same.txt": "same" });
    const result = await batch(overlay, (b) => {
      b.write("temporary.txt", "t").remove("temporary.txt").write("same.txt", "same");
    });
    expect(result).toMatchObject({ outcome: "applied", writes: 0, deletes: 0, vanished: 2 });
  });

  it("writes one file for each row of a template", async () => {
    const overlay = over({});
    const { template } = extractTemplate([
      "export const name = 'alpha'; // settings\n",
      "export const name = 'beta'; // settings\n",
    ]);
    const name = template.parameters[0]?.name ?? "";
    const row = (value: string) => ({ path: `${value}.ts`, data: { [name]: value } });
    const result = batchFromTemplate(overlay, template, [row("one"), row("$&`{}")]);
    expect(result).toMatchObject({ outcome: "applied", writes: 2 });
    expect(viewOf(overlay)["$&`{}.ts"]).toBe(text("export const name = '$&`{}'; // settings\n"));
  });
});

describe("batch", () => {
  it("puts what others import first, and keeps cycles together", async () => {
    const overlay = plainOverlay();
    const result = await batch(overlay, (b) => {
      b.write("app.ts", 'import { a } from "./lib/a.js";\nimport x from "external";\n');
      b.write("lib/a.ts", 'export * from "./b";\n');
      b.write("lib/b.ts", 'import type { A } from "./a.ts";\n');
      b.write("main.ts", 'await import("./app.ts");\n');
      b.write("readme.md", "from './main.ts'");
    });
    const names = result.order.map((path) => path.slice(overlay.root.length + 1));
    expect(names).toEqual(["lib/a.ts", "lib/b.ts", "app.ts", "main.ts", "readme.md"]);
    expect(result.cycles.map((cycle) => cycle.length)).toEqual([2]);
  });

  it("takes nothing of a list of edits that fails, and goes on from what was before", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "a.txt": "one\ntwo\nthree\n" });
    const line = (first: number, text: string) =>
      ({ kind: "lines", first, last: first, text }) as const;
    const result = await batch(
      overlay,
      (b) => {
        b.edit("a.txt", line(2, "2\n2\n"));
        b.edit("a.txt", line(1, ""), replaceText("missing", "x"));
        b.edit("a.txt", line(4, "3\n"));
      },
      { atomic: false },
    );
    expect(result).toMatchObject({ outcome: "partial_recovery", recovered: [], reads: 1 });
    expect(treeOf(overlay.root)).toEqual({ "a.txt": text("one\n2\n2\n3\n") });
  });

  it("works in groups of at most maxBatchSize, and saves a group from a failing file", async () => {
    const denied = Object.assign(new Error("EACCES"), { code: "EACCES" });
    const { fs: failing } = watchedFs((name, path) =>
      name === "writeFileSync" && String(path).endsWith("3.txt") ? denied : undefined,
    );
    const overlay = plainOverlay(undefined, failing);
    const write = (atomic: boolean) =>
      batch(
        overlay,
        (b) => {
          for (let index = 0; index < 7; index++) b.write(`${index}.txt`, `${index}`);
        },
        { atomic, maxBatchSize: 3 },
      );
    expect(await write(true)).toMatchObject({ outcome: "rolled_back", error: denied });
    expect(fs.readdirSync(overlay.root)).toEqual([]);
    expect(await write(false)).toMatchObject({
      outcome: "partial_recovery",
      groups: 3,
      recovered: [],
      failed: [{ index: 3, error: denied }],
    });
    expect(fs.readdirSync(overlay.root)).toHaveLength(6);
  });

  it("stops on a signal and takes everything back", async () => {
    const overlay = plainOverlay();
    const work = batch(overlay, (b) => b.write("a", "a"), { signal: AbortSignal.abort() });
    await expect(work).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    expect(fs.readdirSync(overlay.root)).toEqual([]);
  });

  it("is measured", async () => {
    const seen: Measurement[] = [];
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a b" });
    const edits = [replaceText("a", "A"), replaceText("b", "B")];
    await batch(overlay, (b) => b.edit("a", ...edits).write("b", "bb"), {
      observer: (measurement) => seen.push(measurement),
    });
    expect(seen).toMatchObject([
      {
        operation: "batch",
        optimization: "batch",
        sizeBytes: 4,
        baselineCalls: 5,
        gain: 0.4,
        outcome: "done",
        io: { reads: 1, writes: 2, bytesWritten: 5 },
      },
    ]);
    expect(seen[0]?.memory?.peak).toBeGreaterThan(0);
  });

  it("gains nothing by what was not done", async () => {
    const seen: Measurement[] = [];
    const observer = (measurement: Measurement) => seen.push(measurement);
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a b" });
    const build = (b: BatchBuilder) => {
      b.edit("a", replaceText("a", "A"), replaceText("b", "B")).edit("a", replaceText("z", "y"));
    };
    await batch(overlay, build, { observer });
    await batch(overlay, build, { observer, atomic: false });
    expect(seen).toMatchObject([
      { outcome: "failed", baselineCalls: 0, gain: 0, io: { reads: 0, writes: 0 } },
      { outcome: "done", baselineCalls: 4, gain: 0.5, io: { reads: 1, writes: 1 } },
    ]);
  });

  it("takes the standard path, call by call, when optimisation is off", async () => {
    const { fs: watched, calls } = watchedFs();
    const overlay = plainOverlay(undefined, watched);
    plant(overlay.root, { a: "a b" });
    const seen: Measurement[] = [];
    const options = {
      settings: { enabled: false },
      observer: (measurement: Measurement) => seen.push(measurement),
    };
    const edits = [replaceText("a", "A"), replaceText("b", "B")];
    const result = await batch(overlay, (b) => b.edit("a", ...edits).write("b", "b"), options);
    expect(result).toMatchObject({ outcome: "applied", reads: 2, writes: 3, fallback: undefined });
    expect([...calls]).toEqual([
      ["readFileSync", 2],
      ["writeFileSync", 3],
    ]);
    expect(seen).toMatchObject([{ optimization: "none", baselineCalls: 5, gain: 0 }]);
    const failing = (atomic: boolean) =>
      batch(overlay, (b) => b.write("c", "c").remove("none").write("d", "d"), {
        ...options,
        atomic,
      });
    expect(await failing(true)).toMatchObject({ outcome: "rolled_back", failed: [{ index: 1 }] });
    expect(Object.keys(treeOf(overlay.root))).toEqual(["a", "b"]);
    expect(await failing(false)).toMatchObject({ outcome: "partial_recovery" });
    expect(Object.keys(treeOf(overlay.root))).toEqual(["a", "b", "c", "d"]);
  });

  it("is switched off by the environment", async () => {
    vi.stubEnv("WRITE_OPTIMIZATION_LEGACY", "true");
    const overlay = plainOverlay();
    const result = await batch(overlay, (b) => b.write("a", "1").write("a", "2"));
    vi.unstubAllEnvs();
    expect(result).toMatchObject({ outcome: "applied", writes: 2 });
  });

  it("falls back to the standard path when the engine fails, once and visibly", async () => {
    // The standard path does not look at names before it writes, the engine does.
    const broken = new Error("the engine broke");
    const { fs: failing } = watchedFs((name) => (name === "lstatSync" ? broken : undefined));
    const overlay = plainOverlay(undefined, failing);
    const told: unknown[] = [];
    const seen: Measurement[] = [];
    const options = {
      onFallback: (error: Error) => told.push(error),
      observer: (measurement: Measurement) => seen.push(measurement),
    };
    const { template } = extractTemplate([
      "export const name = 'alpha'; // settings\n",
      "export const name = 'beta'; // settings\n",
    ]);
    const name = template.parameters[0]?.name ?? "";
    const results = [
      await batch(overlay, (b) => b.write("a", "1").write("b", "2"), options),
      batchFromTemplate(overlay, template, [{ path: "c", data: { [name]: "x" } }], options),
    ];
    expect(results).toMatchObject([
      { outcome: "applied", writes: 2, fallback: broken },
      { outcome: "applied", writes: 1, fallback: broken },
    ]);
    expect(told).toEqual([broken, broken]);
    expect(seen).toMatchObject([
      { outcome: "fell_back", optimization: "none", gain: 0 },
      { outcome: "fell_back", optimization: "none", gain: 0 },
    ]);
    expect(Object.keys(treeOf(overlay.root))).toEqual(["a", "b", "c"]);
  });

  it("tells of a group that failed once and went well file by file", async () => {
    const broken = Object.assign(new Error("EIO"), { code: "EIO" });
    const failingOnce = () => {
      let left = 1;
      const { fs: engineFs } = watchedFs((name, path) => {
        const fails = name === "writeFileSync" && String(path).endsWith("b") && left-- > 0;
        return fails ? broken : undefined;
      });
      return plainOverlay(undefined, engineFs);
    };
    const told: unknown[] = [];
    const outcomes: unknown[] = [];
    const options = {
      onFallback: (error: unknown) => told.push(error),
      observer: ({ outcome }: Measurement) => outcomes.push(outcome),
    };
    for (const atomic of [true, false]) {
      const overlay = failingOnce();
      const result = await batch(overlay, (b) => b.write("a", "1").write("b", "2"), {
        ...options,
        atomic,
      });
      expect(result).toMatchObject({ outcome: "applied", fallback: broken });
      expect(treeOf(overlay.root)).toEqual({ a: "644 31", b: "644 32" });
    }
    const moving = failingOnce();
    plant(moving.root, { old: "old" });
    const work = (t: Transaction) => {
      t.move("old", "new");
      t.write("b", "2");
    };
    expect(await transaction(moving, work, options)).toMatchObject({ fallback: broken });
    const pipeline = new WritePipeline(failingOnce(), {
      onFallback: ({ error }) => told.push(error),
      meter: new Meter(options.observer),
    });
    for (const path of ["a", "b", "c"]) {
      pipeline.submit({ kind: "write", path, bytes: Buffer.from(path) });
    }
    expect(pipeline.flush()).toMatchObject({
      fallbacks: [{ engine: "batch", operations: 3, error: broken }],
      batch: { outcome: "applied" },
    });
    expect(told).toEqual([broken, broken, broken, broken]);
    expect(outcomes).toEqual(["fell_back", "fell_back", "fell_back", "fell_back"]);
  });

  it("deletes a link that is reached through another one", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a", "d/b": "b" });
    fs.symlinkSync("d", join(overlay.root, "link"));
    fs.symlinkSync("a", join(overlay.root, "soft"));
    const result = await batch(overlay, (b) => b.move("soft", "link/b").remove("link/b"));
    expect(result).toMatchObject({ outcome: "applied", deletes: 1, fallback: undefined });
    expect(viewOf(overlay)).toEqual({ a: text("a"), d: "/", link: "->" });
  });

  it("follows links: two names of one file are one write, a link itself can be deleted", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "d/a.txt": "a b" });
    fs.symlinkSync("d", join(overlay.root, "l"));
    fs.symlinkSync("d/a.txt", join(overlay.root, "link"));
    const result = await batch(overlay, (b) => {
      b.edit("l/a.txt", replaceText("a", "A")).edit("link", replaceText("b", "B")).remove("link");
    });
    expect(result).toMatchObject({ outcome: "applied", writes: 1, deletes: 1 });
    expect(fs.readFileSync(join(overlay.root, "d/a.txt"), "utf8")).toBe("A B");
    expect(fs.readdirSync(overlay.root)).toEqual(["d", "l"]);
  });
});

describe("the dependency order", () => {
  const order = (files: Record<string, string>) => {
    const paths = Object.keys(files);
    const nodes = paths.map((path) => ({ path, bytes: Buffer.from(files[path] ?? "") }));
    return orderByDependencies(nodes).order.map((index) => paths[index]);
  };

  it.each([
    [
      "Python",
      { "/p/a.py": "from .b import x\n", "/p/b.py": "import os\n" },
      ["/p/b.py", "/p/a.py"],
    ],
    ["C", { "/a.c": '#include "h/b.h"\n', "/h/b.h": "" }, ["/h/b.h", "/a.c"]],
    ["SCSS", { "/a.scss": '@use "b";', "/b.scss": "" }, ["/b.scss", "/a.scss"]],
    ["partials of Sass", { "/a.scss": '@use "x/b";', "/x/_b.scss": "" }, ["/x/_b.scss", "/a.scss"]],
    [
      "lists of imports, and indexes",
      { "/a.scss": '@import "x", "b";', "/x/_index.scss": "", "/b.sass": "" },
      ["/x/_index.scss", "/b.sass", "/a.scss"],
    ],
    ["indented Sass", { "/a.sass": "@import b, c\n", "/c.sass": "" }, ["/c.sass", "/a.sass"]],
    [
      "modules of Sass that are configured or loaded late",
      {
        "/a.scss": '@use "b" with ($file: "d");\n@include meta.load-css("c");',
        "/c.scss": "",
        "/d.scss": '@forward "b" show x;',
        "/b.scss": "",
      },
      ["/c.scss", "/b.scss", "/a.scss", "/d.scss"],
    ],
    [
      "Less",
      { "/a.less": '@import (reference) "b";@plugin "p.js";', "/p.js": "", "/b.less": "" },
      ["/p.js", "/b.less", "/a.less"],
    ],
    ["CSS", { "/a.css": "@import url(b.css) screen;", "/b.css": "" }, ["/b.css", "/a.css"]],
    [
      "modules of a Python package",
      { "/p/a.py": "from . import c, b\nfrom .d.e import (x)\n", "/p/d/e.py": "", "/p/b.py": "" },
      ["/p/d/e.py", "/p/b.py", "/p/a.py"],
    ],
    [
      "the index of the directory above",
      { "/p/q/a.ts": 'export * from "..";', "/p/index.ts": "" },
      ["/p/index.ts", "/p/q/a.ts"],
    ],
    [
      "names with more than one dot, or an underscore",
      { "/a.ts": 'import "./u.service.js";import "./_x";', "/u.service.ts": "", "/_x.ts": "" },
      ["/u.service.ts", "/_x.ts", "/a.ts"],
    ],
    ["shell", { "/a.sh": "source ./b.sh\n", "/b.sh": "" }, ["/b.sh", "/a.sh"]],
    ["JavaScript", { "/a.js": 'require("./b")', "/b/index.js": "" }, ["/b/index.js", "/a.js"]],
    [
      "either quotes, and no names but those of imports",
      {
        "/a.js": `import x from './b';await import( "./c" );f("./d");'./e';from ".f`,
        ...{ "/b.js": "", "/d.js": "", "/c.js": "", "/e.js": "", "/.f.js": "" },
      },
      ["/b.js", "/c.js", "/a.js", "/d.js", "/e.js", "/.f.js"],
    ],
  ])("knows %s", (_language, files, expected) => {
    expect(order(files as unknown as Record<string, string>)).toEqual(expected);
  });

  it("takes a chain of any length", () => {
    const count = 20_000;
    const files = Array.from({ length: count }, (_, index) => {
      return { path: `/${index}.js`, bytes: Buffer.from(`import "./${index + 1}.js";`) };
    });
    const { order: found, cycles } = orderByDependencies(files);
    expect(found.slice(0, 3)).toEqual([count - 1, count - 2, count - 3]);
    expect(cycles).toEqual([]);
  });
});
