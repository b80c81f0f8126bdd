import { finished, pipeline } from "node:stream/promises";
import { type Scenario, scenario } from "../harness/scenario.ts";

/** Read and write streams. */
export const streams: readonly Scenario[] = [
  scenario("a read stream of a lower file", async ({ at, read }) => {
    await read(at("b.txt"));
    await read(at("empty"));
    await read(at("link"));
  }),
  scenario("a read stream of a changed file", async ({ fs, at, read }) => {
    fs.appendFileSync(at("b.txt"), "+");
    await read(at("b.txt"));
  }),
  scenario("start and end are honoured", async ({ at, read }) => {
    await read(at("b.txt"), { start: 2, end: 4 });
    await read(at("b.txt"), { start: 6 });
    await read(at("b.txt"), { end: 0 });
    await read(at("b.txt"), { start: 50 });
    await read(at("b.txt"), { start: 3, end: 3 });
    await read(at("b.txt"), { start: 4, end: 2 });
    await read(at("b.txt"), { start: -1 });
    await read(at("b.txt"), { start: "2" as unknown as number });
  }),
  scenario("encoding and highWaterMark are honoured", async ({ fs, at, note }) => {
    const sizes: number[] = [];
    for await (const piece of fs.createReadStream(at("b.txt"), { highWaterMark: 5 }))
      sizes.push(piece.length);
    note("sizes", sizes);
    let text = "";
    for await (const piece of fs.createReadStream(at("b.txt"), "utf8")) text += piece;
    note("text", text);
  }),
  scenario("read streams of what can not be read", async ({ at, read }) => {
    await read(at("missing"));
    await read(at("d"));
    await read(at("loop1"));
    await read(at("a.txt/x"));
    await read(at("dangling"));
  }),
  scenario("a read stream over a descriptor", async ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("b.txt"), "r");
    let text = "";
    const stream = fs.createReadStream("", { fd: descriptor, autoClose: false, encoding: "utf8" });
    for await (const piece of stream) text += piece;
    note("text", text);
    fs.closeSync(descriptor);
  }),
  scenario("a write stream makes a file", async ({ fs, at, write }) => {
    await write(at("n"), ["one ", Buffer.from("two "), "three"]);
    fs.readFileSync(at("n"), "utf8");
    fs.statSync(at("n"));
  }),
  scenario(
    "a write stream replaces what a file held and keeps its mode",
    async ({ fs, at, write }) => {
      await write(at("run.sh"), ["new"]);
      fs.readFileSync(at("run.sh"), "utf8");
      fs.statSync(at("run.sh"));
    },
  ),
  scenario("a write stream with flags a appends to a lower file", async ({ fs, at, write }) => {
    await write(at("a.txt"), ["+", "+"], { flags: "a" });
    fs.readFileSync(at("a.txt"), "utf8");
    await write(at("d/sub/deep.txt"), ["er"], { flags: "a" });
    fs.readFileSync(at("d/sub/deep.txt"), "utf8");
  }),
  scenario("a write stream with r+ and start patches", async ({ fs, at, write }) => {
    await write(at("b.txt"), ["BRAVO"], { flags: "r+", start: 6 });
    fs.readFileSync(at("b.txt"), "utf8");
  }),
  scenario("a write stream with mode and exclusive flag", async ({ fs, at, write }) => {
    await write(at("n"), ["x"], { mode: 0o600 });
    fs.statSync(at("n"));
    await write(at("n"), ["y"], { flags: "wx" });
    await write(at("a.txt"), ["y"], { flags: "ax" });
    fs.readFileSync(at("n"), "utf8");
  }),
  scenario("write streams to where nothing can be written", async ({ at, write }) => {
    await write(at("d"), ["x"]);
    await write(at("missing/n"), ["x"]);
    await write(at("a.txt/n"), ["x"]);
    await write(at("loop1"), ["x"]);
  }),
  scenario("a write stream of no bytes makes an empty file", async ({ fs, at, write }) => {
    await write(at("n"), []);
    fs.statSync(at("n"));
    await write(at("a.txt"), []);
    fs.statSync(at("a.txt"));
  }),
  scenario("pipeline from a lower file to a new one", async ({ fs, at }) => {
    await pipeline(fs.createReadStream(at("b.txt")), fs.createWriteStream(at("d/copy")));
    fs.readFileSync(at("d/copy"), "utf8");
  }),
  scenario("pipeline with a transform in between", async ({ fs, at }) => {
    await pipeline(
      fs.createReadStream(at("b.txt"), "utf8"),
      async function* (source) {
        for await (const piece of source) yield String(piece).toUpperCase();
      },
      fs.createWriteStream(at("upper")),
    );
    fs.readFileSync(at("upper"), "utf8");
  }),
  scenario("a large stream through small buffers", async ({ fs, at, note }) => {
    const stream = fs.createWriteStream(at("big"), { highWaterMark: 1000 });
    for (let index = 0; index < 300; index++) stream.write(Buffer.alloc(997, index % 256));
    stream.end();
    await finished(stream);
    let total = 0;
    for await (const piece of fs.createReadStream(at("big"), { highWaterMark: 4099 }))
      total += piece.length;
    note("total", total);
  }),
  scenario("a destroyed read stream closes", async ({ fs, at, note }) => {
    const stream = fs.createReadStream(at("b.txt"));
    stream.destroy();
    await new Promise<void>((resolve) => stream.once("close", resolve));
    note("closed", stream.closed);
  }),
  scenario("a read stream that is aborted", async ({ fs, at, note }) => {
    const controller = new AbortController();
    const stream = fs.createReadStream(at("b.txt"), { signal: controller.signal });
    controller.abort();
    const error = await new Promise<Error>((resolve) => stream.once("error", resolve));
    note("name", error.name);
  }),
  scenario("a file unlinked while it streams ends as it began", async ({ fs, at, note }) => {
    const stream = fs.createReadStream(at("b.txt"), { highWaterMark: 4 });
    await new Promise((resolve) => stream.once("open", resolve));
    fs.unlinkSync(at("b.txt"));
    let text = "";
    for await (const piece of stream) text += piece;
    note("text", text);
  }),
  scenario("streams are of Node's own classes", async ({ fs, at, note }) => {
    const reader = fs.createReadStream(at("a.txt"));
    const writer = fs.createWriteStream(at("n"));
    note("reader", reader.constructor.name);
    note("writer", writer.constructor.name);
    note("path", [reader.path, writer.path]);
    reader.destroy();
    writer.end();
    await finished(writer);
  }),
  scenario("a stream takes its options from a prototype too", async ({ at, read, write, fs }) => {
    await read(at("b.txt"), Object.create({ start: 2, end: 6 }) as object);
    await write(at("b.txt"), ["XY"], Object.create({ start: 3, flags: "r+" }) as object);
    fs.readFileSync(at("b.txt"), "utf8");
  }),
  scenario("what are no options are refused", ({ at, note, raw }) => {
    for (const name of ["createReadStream", "createWriteStream"] as const) {
      for (const options of [5, true, Symbol("options")]) {
        try {
          raw[name](at("n"), options as unknown as object).destroy();
        } catch (error) {
          note(name, error);
        }
      }
    }
  }),
  scenario("a stream may be made with new", async ({ at, note, raw }) => {
    for (const name of ["createReadStream", "createWriteStream"] as const) {
      const make = raw[name] as unknown as new (path: string) => NodeJS.EventEmitter;
      const stream = new make(at("a.txt")) as NodeJS.EventEmitter & { destroy(): void };
      note(name, [stream instanceof raw.ReadStream, stream instanceof raw.WriteStream]);
      const closed = new Promise((resolve) => stream.once("close", resolve));
      stream.destroy();
      await closed;
    }
    class Derived extends raw.ReadStream {
      readonly mark = "derived";
    }
    const stream = new Derived(at("a.txt") as unknown as never);
    note("derived", [stream.mark, stream instanceof Derived, stream.constructor.name]);
    let text = "";
    for await (const piece of stream) text += String(piece);
    note("text", text);
  }),
];
