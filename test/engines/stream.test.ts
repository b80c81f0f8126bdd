import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it, vi } from "vitest";
import { openOverlay } from "../../src/api/open-overlay.ts";
import type { Edit } from "../../src/engines/coalesce/edit.ts";
import { editExtents } from "../../src/engines/coalesce/edit-extents.ts";
import { multiEdit } from "../../src/engines/coalesce/multi-edit.ts";
import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import {
  createStreamWriter,
  readStream,
  transformStream,
  writeStream,
} from "../../src/engines/stream/stream.ts";
import { isDraftError } from "../../src/errors.ts";
import { MIB } from "../../src/limits.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { fc } from "../support/properties.ts";
import { layerOverlay, overlayKinds, viewOf } from "./support/layer-overlay.ts";
import { plainOverlay, plant, temporaryDirectory, watchedFs } from "./support/plain-overlay.ts";

function* pieces(count: number, bytes: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(bytes, index % 251);
}

async function digestOf(overlay: EngineOverlay, path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readStream(overlay, path)) hash.update(chunk);
  return hash.digest("hex");
}

describe.each(overlayKinds)("streaming over %s", (_name, overlayOver) => {
  it("writes what comes, in chunks of 1 MiB, with the hash of it", async () => {
    const overlay = overlayOver();
    const seen: number[] = [];
    const receipt = await writeStream(overlay, "d/big.bin", pieces(70, 50_001), {
      onProgress: (bytes) => seen.push(bytes),
    });
    const whole = createHash("sha256");
    for (const piece of pieces(70, 50_001)) whole.update(piece);
    expect(receipt).toMatchObject({
      path: join(overlay.root, "d/big.bin"),
      bytes: 3_500_070,
      chunks: 4,
    });
    expect(await digestOf(overlay, "d/big.bin")).toBe(whole.digest("hex"));
    expect(seen.length).toBeGreaterThan(2);
    expect(Object.keys(viewOf(overlay))).toEqual(["d", "d/big.bin"]);
    const again = await writeStream(overlay, "e", readStream(overlay, "d/big.bin"));
    expect(again.hash).toBe(receipt.hash);
  });

  it("reads into one buffer on request, and into new ones otherwise", async () => {
    const overlay = overlayOver();
    await writeStream(overlay, "a.bin", pieces(3, MIB));
    const read = async (reuseChunk: boolean) => {
      const chunks: Buffer[] = [];
      const bytes: (number | undefined)[] = [];
      for await (const chunk of readStream(overlay, "a.bin", { reuseChunk })) {
        chunks.push(chunk);
        bytes.push(chunk[0]);
      }
      expect(bytes).toEqual([0, 1, 2]);
      return new Set(chunks.map(({ buffer }) => buffer)).size;
    };
    expect([await read(false), await read(true)]).toEqual([3, 1]);
  });

  it("keeps all names of a file, also when it is made from itself or fails halfway", async () => {
    const overlay = overlayOver();
    plant(overlay.root, { "a.txt": "one two" });
    fs.linkSync(join(overlay.root, "a.txt"), join(overlay.root, "b.txt"));
    const text = (name: string) => overlay.fs.readFileSync(join(overlay.root, name)).toString();
    await transformStream(overlay, "a.txt", "b.txt", async function* (chunks) {
      for await (const chunk of chunks) yield chunk.toString().toUpperCase();
    });
    expect([text("a.txt"), text("b.txt")]).toEqual(["ONE TWO", "ONE TWO"]);
    const failing = writeStream(
      overlay,
      "a.txt",
      (function* () {
        yield "half of it";
        throw new Error("the source failed");
      })(),
    );
    await expect(failing).rejects.toThrow("the source failed");
    expect([text("a.txt"), text("b.txt")]).toEqual(["ONE TWO", "ONE TWO"]);
    expect(overlay.fs.statSync(join(overlay.root, "b.txt")).nlink).toBe(2);
    expect(Object.keys(viewOf(overlay))).toEqual(["a.txt", "b.txt"]);
  });

  it("transforms a file into itself", async () => {
    const overlay = overlayOver();
    await writeStream(overlay, "a.txt", ["one ", "two ", Buffer.from("three")]);
    overlay.fs.chmodSync(join(overlay.root, "a.txt"), 0o640);
    await transformStream(overlay, "a.txt", "a.txt", async function* (chunks) {
      for await (const chunk of chunks) yield chunk.toString().toUpperCase();
    });
    expect(viewOf(overlay)).toEqual({
      "a.txt": `640 ${Buffer.from("ONE TWO THREE").toString("hex")}`,
    });
  });

  it("leaves a file as it was when the source fails or the stream is stopped", async () => {
    const overlay = overlayOver();
    await writeStream(overlay, "a.txt", ["kept"]);
    const before = viewOf(overlay);
    function* failing() {
      yield Buffer.alloc(3 * MIB);
      throw new Error("the source broke");
    }
    await expect(writeStream(overlay, "a.txt", failing())).rejects.toThrow("the source broke");
    const controller = new AbortController();
    const work = writeStream(overlay, "a.txt", pieces(100, MIB), {
      signal: controller.signal,
      onProgress: (bytes) => {
        if (bytes >= 3 * MIB) controller.abort();
      },
    });
    await expect(work).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    expect(viewOf(overlay)).toEqual(before);
  });

  it("is a Node stream on request, and leaves nothing when it is destroyed", async () => {
    const overlay = overlayOver();
    let bytes = 0;
    const onFinish = (receipt: { readonly bytes: number }) => {
      bytes = receipt.bytes;
    };
    const writer = createStreamWriter(overlay, "a.bin", { onFinish });
    await pipeline(Readable.from(pieces(5, 700_000)), writer);
    expect(bytes).toBe(3_500_000);
    const broken = Readable.from(
      (function* () {
        yield Buffer.alloc(10);
        throw new Error("no more");
      })(),
    );
    await expect(pipeline(broken, createStreamWriter(overlay, "b.bin"))).rejects.toThrow("no more");
    expect(Object.keys(viewOf(overlay))).toEqual(["a.bin"]);
  });
});

describe("streaming", () => {
  it("leaves nothing when the file cannot be put in its place", async () => {
    const { fs: watched } = watchedFs((name) =>
      name === "renameSync" ? new Error("no rename today") : undefined,
    );
    const overlay = plainOverlay(undefined, watched);
    await expect(writeStream(overlay, "a", ["x"])).rejects.toThrow("no rename today");
    expect(fs.readdirSync(overlay.root)).toEqual([]);
  });

  it("is kept out of a commit and of the diff until it is finished", async () => {
    await using overlay = await openOverlay(temporaryDirectory());
    overlay.fs.writeFileSync("done.txt", "done");
    let seen: readonly string[] = [];
    async function* source() {
      yield "first ";
      seen = (await overlay.diff()).changes.map(({ path }) => path);
      await overlay.commit();
      yield "second";
    }
    await writeStream(overlay, "streamed.txt", source());
    expect(seen).toEqual(["done.txt"]);
    expect(fs.readdirSync(overlay.root).sort()).toEqual([".draftfs", "done.txt"]);
    await overlay.commit();
    expect(fs.readFileSync(join(overlay.root, "streamed.txt"), "utf8")).toBe("first second");
    expect(fs.readdirSync(overlay.root)).toHaveLength(3);
  });

  it("is kept out of a saved draft until it is finished, which says so", async () => {
    const root = temporaryDirectory();
    const pending = async () => {
      await using later = await openOverlay(root, { draft: "d" });
      return (await later.diff()).changes.map(({ path }) => path);
    };
    let leftOut: readonly string[] = [];
    {
      await using overlay = await openOverlay(root, { draft: "d" });
      overlay.fs.writeFileSync("done.txt", "done");
      const source = async function* () {
        yield "first ";
        ({ leftOut } = await overlay.saveDraft());
        yield "second";
      };
      await writeStream(overlay, "streamed.txt", source());
    }
    expect(leftOut).toEqual([".streamed.txt.part0"]);
    expect(await pending()).toEqual(["done.txt"]);
    {
      await using overlay = await openOverlay(root, { draft: "d" });
      await writeStream(overlay, "streamed.txt", ["all"]);
      expect(await overlay.saveDraft()).toEqual({ leftOut: [] });
    }
    expect(await pending()).toEqual(["done.txt", "streamed.txt"]);
  });

  it("can be stopped while it waits for its source", async () => {
    const overlay = plainOverlay();
    const controller = new AbortController();
    async function* source() {
      yield "a";
      setImmediate(() => controller.abort());
      await new Promise(() => undefined);
    }
    const work = writeStream(overlay, "a", source(), { signal: controller.signal });
    await expect(work).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    expect(fs.readdirSync(overlay.root)).toEqual([]);
  });

  it("joins characters that are split between strings, and refuses halves", async () => {
    const overlay = plainOverlay();
    const halves = [..."a😀b"].join("").split("");
    await writeStream(overlay, "a", halves);
    const writer = createStreamWriter(overlay, "b");
    await pipeline(Readable.from(halves), writer);
    for (const name of ["a", "b"]) {
      expect(fs.readFileSync(join(overlay.root, name), "utf8")).toBe("a😀b");
    }
    const half = writeStream(overlay, "a", ["\ud83d"]);
    await expect(half).rejects.toMatchObject({ code: "DRAFT_EDIT_FAILED" });
    const parted = writeStream(overlay, "a", ["\ud83d", Buffer.from("x"), "\ude00"]);
    await expect(parted).rejects.toMatchObject({ code: "DRAFT_EDIT_FAILED" });
  });

  it("is measured", async () => {
    const seen: Measurement[] = [];
    const observer = (measurement: Measurement) => seen.push(measurement);
    const overlay = plainOverlay();
    await writeStream(overlay, "a", ["one ", "two"], { observer });
    editExtents(overlay, "a", [{ kind: "string", oldText: "one", newText: "ONE" }], { observer });
    const failing = writeStream(overlay, "a", ["\ud83d"], { observer });
    await expect(failing).rejects.toThrow();
    await pipeline(Readable.from(["four", "five"]), createStreamWriter(overlay, "b", { observer }));
    createStreamWriter(overlay, "c", { observer }).destroy();
    await vi.waitFor(() => expect(seen).toHaveLength(5));
    expect(seen).toMatchObject([
      { operation: "write_stream", sizeBytes: 7, outcome: "done", io: { writes: 1, moves: 1 } },
      { operation: "edit_extents", sizeBytes: 3, outcome: "done", io: { reads: 1, writes: 1 } },
      { operation: "write_stream", outcome: "refused", gain: 0 },
      { operation: "write_stream", path: "b", sizeBytes: 8, outcome: "done", io: { writes: 1 } },
      { operation: "write_stream", path: "c", sizeBytes: 0, outcome: "failed" },
    ]);
  });

  it("writes files whose names are as long as names can be", async () => {
    const overlay = plainOverlay();
    const name = "漢".repeat(85);
    await writeStream(overlay, name, ["x"]);
    editExtents(overlay, name, [{ kind: "string", oldText: "x", newText: "longer" }]);
    expect(fs.readdirSync(overlay.root)).toEqual([name]);
  });

  it("keeps the owner of a file, and its mode", async () => {
    const overlay = layerOverlay();
    plant(overlay.root, { a: "one", b: "one" });
    const { uid, gid } = fs.statSync(overlay.root);
    const owner = process.getuid?.() === 0 ? { uid: 4321, gid: 4322 } : { uid, gid };
    for (const name of ["a", "b"]) {
      fs.chmodSync(join(overlay.root, name), 0o640);
      fs.chownSync(join(overlay.root, name), owner.uid, owner.gid);
    }
    await writeStream(overlay, "a", ["two"]);
    editExtents(overlay, "b", [{ kind: "string", oldText: "one", newText: "eleven" }]);
    for (const name of ["a", "b"]) {
      const stats = overlay.fs.statSync(join(overlay.root, name));
      expect({ ...owner, mode: stats.mode & 0o7777 }).toEqual({
        uid: stats.uid,
        gid: stats.gid,
        mode: 0o640,
      });
    }
  });

  it("asks for the next piece only when the last one is written", async () => {
    const order: string[] = [];
    const { fs: watched } = watchedFs((name) => {
      if (name === "writeSync") order.push("written");
      return undefined;
    });
    function* source() {
      for (let index = 0; index < 3; index++) {
        order.push("asked");
        yield Buffer.alloc(MIB);
      }
    }
    await writeStream(plainOverlay(undefined, watched), "a", source());
    expect(order).toEqual(["asked", "written", "asked", "written", "asked", "written"]);
  });

  it("continues a short write, and keeps all names of a file", async () => {
    const overlay = plainOverlay();
    const short: EngineOverlay = {
      ...overlay,
      fs: new Proxy(overlay.fs, {
        get: (target, name) =>
          name === "writeSync"
            ? (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) =>
                target.writeSync(fd, bytes, offset, Math.min(length, 333_333), position)
            : Reflect.get(target, name),
      }),
    };
    plant(overlay.root, { a: "a" });
    fs.linkSync(join(overlay.root, "a"), join(overlay.root, "b"));
    await writeStream(short, "a", pieces(3, MIB));
    expect(fs.statSync(join(overlay.root, "b"))).toMatchObject({ nlink: 2, size: 3 * MIB });
  });
});

describe.each(overlayKinds)("editing by extents over %s", (_name, overlayOver) => {
  it("keeps all names of a file that grows, and a file that has the name it would use", () => {
    const overlay = overlayOver();
    plant(overlay.root, { "a.txt": "one two", ".a.txt.part0": "mine", "a.txt.part": "mine" });
    fs.linkSync(join(overlay.root, "a.txt"), join(overlay.root, "b.txt"));
    editExtents(overlay, "a.txt", [{ kind: "string", oldText: "one", newText: "eleven" }]);
    const hex = (content: string) => `644 ${Buffer.from(content).toString("hex")}`;
    expect(viewOf(overlay)).toEqual({
      "a.txt": hex("eleven two"),
      "b.txt": hex("eleven two"),
      ".a.txt.part0": hex("mine"),
      "a.txt.part": hex("mine"),
    });
  });

  it("fills a file that its own edits have emptied, as edits in memory do", () => {
    const overlay = overlayOver();
    overlay.fs.writeFileSync(join(overlay.root, "a"), Buffer.from("one"));
    const fill = { kind: "string", oldText: "", newText: "two" } as const;
    expect(() => editExtents(overlay, "a", [fill])).toThrow(/the old text is empty/);
    editExtents(overlay, "a", [{ kind: "string", oldText: "one", newText: "" }, fill]);
    expect(overlay.fs.readFileSync(join(overlay.root, "a")).toString()).toBe("two");
  });

  it("writes the changed ranges alone when lengths stay", () => {
    const overlay = overlayOver();
    const content = Buffer.alloc(5 * MIB, ".");
    // Across the border of two windows, and at both ends.
    content.write("needle", MIB + 3);
    content.write("last", content.length - 4);
    overlay.fs.writeFileSync(join(overlay.root, "big"), content);
    const result = editExtents(overlay, "big", [
      { kind: "string", oldText: "needle", newText: "NEEDLE" },
      { kind: "bytes", offset: 0, length: 2, bytes: Buffer.from("ab") },
      { kind: "string", oldText: "last", newText: "LAST" },
    ]);
    expect(result).toEqual({ replacements: [1, 1, 1], reads: 2, writes: 3, bytesWritten: 12 });
    content.write("NEEDLE", MIB + 3);
    content.write("ab", 0);
    content.write("LAST", content.length - 4);
    expect(overlay.fs.readFileSync(join(overlay.root, "big")).equals(content)).toBe(true);
  });

  it("applies none when one fails", () => {
    const overlay = overlayOver();
    overlay.fs.writeFileSync(join(overlay.root, "a"), Buffer.from("one two"));
    const edits: Edit[] = [
      { kind: "string", oldText: "one", newText: "three" },
      { kind: "string", oldText: "none", newText: "x" },
    ];
    expect(() => editExtents(overlay, "a", edits)).toThrow(/Edit 2 of 2 of a failed/);
    expect(overlay.fs.readFileSync(join(overlay.root, "a")).toString()).toBe("one two");
  });
});

describe("editing by extents", () => {
  it("copies the file once, however many edits change its length", () => {
    const { fs: watched, calls } = watchedFs();
    const overlay = plainOverlay(undefined, watched);
    const content = Buffer.alloc(2 * MIB + 10, ".");
    content.write("near", MIB - 6);
    content.write("far", 2 * MIB);
    plant(overlay.root, { a: content, b: content });
    const edits: Edit[] = [
      { kind: "bytes", offset: 0, length: 0, bytes: Buffer.from("abc") },
      { kind: "string", oldText: "..near..", newText: "<<<nearer\n>>>" },
      { kind: "string", oldText: "arer\n>>>.", newText: "" },
      { kind: "string", oldText: "far", newText: "further" },
      { kind: "lines", first: 1, last: 1, text: "one line\n" },
    ];
    multiEdit(overlay, "b", edits);
    calls.clear();
    const result = editExtents(overlay, "a", edits);
    const [a, b] = ["a", "b"].map((name) => fs.readFileSync(join(overlay.root, name)));
    expect(b !== undefined && a?.equals(b)).toBe(true);
    expect(result).toMatchObject({ replacements: [1, 1, 1, 1, 1], reads: 5, writes: 1 });
    expect(result.bytesWritten).toBe(a?.length);
    expect(calls.get("renameSync")).toBe(1);
  });

  it("can be stopped between two chunks, and tells how far it is", () => {
    const overlay = plainOverlay();
    const content = Buffer.alloc(3 * MIB, ".");
    plant(overlay.root, { a: content });
    const controller = new AbortController();
    const seen: number[] = [];
    const edit = () =>
      editExtents(overlay, "a", [{ kind: "bytes", offset: 0, length: 1, bytes: Buffer.alloc(2) }], {
        signal: controller.signal,
        onProgress(bytes) {
          seen.push(bytes);
          if (bytes >= 2 * MIB) controller.abort();
        },
      });
    expect(edit).toThrow(expect.objectContaining({ code: "DRAFT_ABORTED" }));
    expect(seen).toEqual([MIB, 2 * MIB]);
    expect(fs.readdirSync(overlay.root)).toEqual(["a"]);
    expect(fs.readFileSync(join(overlay.root, "a")).equals(content)).toBe(true);
  });

  const text = fc
    .array(fc.constantFrom("a", "b", "\n", "\r\n", "é", "ab"), { maxLength: 12 })
    .map((parts) => parts.join(""));
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({
      kind: fc.constant("string" as const),
      oldText: text,
      newText: text,
      replaceAll: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("lines" as const),
      first: fc.integer({ min: 0, max: 5 }),
      last: fc.integer({ min: 0, max: 5 }),
      text,
    }),
    fc.record({
      kind: fc.constant("bytes" as const),
      offset: fc.nat(12),
      length: fc.nat(5),
      bytes: fc.uint8Array({ maxLength: 5 }),
    }),
  );
  const reasonOf = (work: () => unknown): unknown => {
    try {
      work();
      return "applied";
    } catch (error) {
      return isDraftError(error) ? [error.details["index"], error.details["reason"]] : error;
    }
  };

  it("leaves what multiEdit leaves", () => {
    const overlay = plainOverlay();
    fc.assert(
      fc.property(text, fc.array(edit, { minLength: 1, maxLength: 4 }), (content, edits) => {
        // A new file is not for extents.
        fc.pre(content !== "" && edits.every((one) => one.kind !== "string" || one.oldText !== ""));
        plant(overlay.root, { a: content, b: content });
        const expected = reasonOf(() => multiEdit(overlay, "a", edits));
        expect(reasonOf(() => editExtents(overlay, "b", edits))).toEqual(expected);
        const [a, b] = ["a", "b"].map((name) =>
          fs.readFileSync(join(overlay.root, name), "latin1"),
        );
        expect(b).toBe(a);
      }),
      { numRuns: 120 },
    );
  });
});
