import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as engines from "../../src/engines/index.ts";
import { type Overlay, openOverlay } from "../../src/index.ts";
import { findTool } from "../../src/tools/index.ts";

let root: string;
let overlay: Overlay;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "draftfs-input-"));
  writeFileSync(join(root, "file"), "text\n");
  overlay = await openOverlay(root);
});

afterAll(async () => {
  await overlay.close();
  rmSync(root, { recursive: true, force: true });
});

/** What JavaScript can pass, and TypeScript would not let through. */
const js = (value: unknown): never => value as never;

const template = {
  version: 1,
  segments: ["a ", { parameter: "name", form: "exact" }],
  parameters: [{ name: "name" }],
} as const;

type Call = readonly [what: string, call: () => unknown, message: RegExp];

/** Calls with something that can never be right, and what the error has to say of it. */
const calls: readonly Call[] = [
  ["a root that is not set", () => openOverlay(""), /an empty string/],
  ["a tool without an overlay", () => read.call(js({}), {}), /Read works on an overlay.*undefined/],
  ["a tool without a context", () => read.call(js(undefined), {}), /Read works on an overlay/],
  ["no data of a template", () => engines.renderTemplate(template, js(null)), /data of a t.*null/],
  ["data as a list", () => engines.renderTemplate(template, js(["x"])), /data of a t.*a list/],
  ["batch without a function", () => engines.batch(overlay, js(undefined)), /function.*undefined/],
  ["batch on a root", () => engines.batch(js(root), () => 0), /works on an overlay.*a string/],
  ["batch on nothing", () => engines.batch(js(undefined), () => 0), /overlay.*undefined/],
  ["a missing content", () => builder().write("file", js(undefined)), /content of file.*undefined/],
  ["a number as content", () => builder().write("file", js(5)), /content of file.*a number/],
  ["a list as content", () => builder().write("file", js([1, 2])), /content of file.*a list/],
  ["a wider array as content", () => builder().write("f", js(new Uint16Array(2))), /Uint8Array/],
  ["a number as a path", () => builder().write(js(5), "x"), /path of an operation is a string.*5/],
  ["no target", () => builder().move("file", js(undefined)), /has no target/],
  ["an edit without a kind", () => builder().edit("file", js({})), /edit 1 of file.*"string"/],
  ["an edit by a tool's names", () => edit({ old_string: "a", new_string: "b" }), /its kind is/],
  ["a misspelt replaceAll", () => edit({ ...text, replaceall: true }), /mean replaceAll/],
  ["an edit without its new text", () => edit({ kind: "string", oldText: "a" }), /has no newText/],
  ["an edit with a number", () => edit({ ...text, newText: 5 }), /newText.*is a string, not 5/],
  ["null as an edit", () => edit(null), /edit 1 of file.*null/],
  ["bytes that are text", () => edit({ ...bytes, bytes: "x" }), /bytes.*Uint8Array, not "x"/],
  ["edits that are no list", () => engines.multiEdit(overlay, js({ file: 5 })), /edits of file/],
  ["multiEdit of nothing", () => engines.multiEdit(overlay, js(undefined)), /path and its edits/],
  ["editExtents without edits", () => engines.editExtents(overlay, "file", js(5)), /edits of file/],
  ["an operation of no kind", () => engines.runBatch(overlay, [js({ kind: "x" })]), /kind is x/],
  [
    "an operation for a pipeline",
    () => pipeline().submit(js({ kind: "write", path: "f" })),
    /no b/,
  ],
  ["a transaction without work", () => engines.transaction(overlay, js({})), /function.*an object/],
  [
    "a write in one",
    () => engines.transaction(overlay, (t) => t.write("f", js(0))),
    /content of f/,
  ],
  ["a path in one", () => engines.transaction(overlay, (t) => t.read(js(0))), /path of a file/],
  ["one example", () => engines.extractTemplate(js("text")), /list of strings, not a string/],
  ["examples of bytes", () => engines.extractTemplate(js([new Uint8Array(1), "a"])), /an object/],
  ["what is no template", () => engines.renderTemplate(js({}), {}), /what extractTemplate gives/],
  ["rows without data", () => rows([{ path: "a" }]), /File 1 of a template/],
  ["no rows", () => rows(undefined), /list of \{ path, data \}, not undefined/],
  [
    "a number as a value",
    () => rows([{ path: "a", data: { name: 5 } }]),
    /value of name.*a number/,
  ],
  ["an instance of bytes", () => engines.evolveTemplate(template, js(1)), /an instance/],
  ["a stream of numbers", () => engines.writeStream(overlay, "s", js([5])), /not from a number/],
  ["a stream of nothing", () => engines.writeStream(overlay, "s", js(null)), /not null/],
  [
    "no chunks",
    () =>
      engines.transformStream(
        overlay,
        "file",
        "t",
        js(() => 5),
      ),
    /not a number/,
  ],
  ["a size of batches", () => engines.runBatch(overlay, [], { maxBatchSize: js("7") }), /7 files/],
  ["a word for atomic", () => engines.runBatch(overlay, [], { atomic: js("no") }), /true or false/],
  ["a window", () => pipeline(js({ windowMs: "2s" })), /number from 0/],
  ["a hole of no parameter", () => hole("other", "exact"), /what extractTemplate gives/],
  ["a hole of no spelling", () => hole("name", "loud"), /what extractTemplate gives/],
  ["a stream to nowhere", () => engines.writeStream(overlay, js(5), []), /path of a file/],
  ["no transform", () => engines.transformStream(overlay, "file", "t", js(5)), /function/],
  ["transact without a function", () => overlay.transact(js(undefined)), /function.*undefined/],
  ["a command that is none", () => overlay.run(js(undefined)), /A command is.*undefined/],
  ["an empty command", () => overlay.run(""), /A command is.*an empty string/],
];

const text = { kind: "string", oldText: "text", newText: "x" };
const bytes = { kind: "bytes", offset: 0, length: 0, bytes: new Uint8Array(1) };

const read = findTool("Read");
const builder = () => new engines.BatchBuilder();
const pipeline = (settings = {}) => new engines.WritePipeline(overlay, { settings });
const hole = (parameter: string, form: string) => {
  const segments = [{ parameter, form }];
  return engines.renderTemplate(js({ version: 1, segments, parameters: [{ name: "name" }] }), {});
};
const edit = (one: unknown) => engines.multiEdit(overlay, "file", [js(one)]);
const rows = (files: unknown) => engines.batchFromTemplate(overlay, template, js(files));

it.each(calls)("refuses %s, in words, and changes nothing", async (_what, call, message) => {
  await expect((async () => await call())()).rejects.toThrow(message);
  expect((await overlay.diff()).changes).toEqual([]);
});
