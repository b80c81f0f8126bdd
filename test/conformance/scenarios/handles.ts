import { setImmediate } from "node:timers/promises";
import { type Scenario, scenario } from "../harness/scenario.ts";

/** Node 20 dies of closing a handle whose stream of another type was cancelled. */
const ofBytes = { type: "bytes" } as object;

/** `FileHandle` with all of its methods. */
export const handles: readonly Scenario[] = [
  scenario("a handle reads and writes", async ({ fs, at, note }) => {
    const handle = await fs.promises.open(at("a.txt"), "r+");
    const buffer = Buffer.alloc(4);
    await handle.read(buffer, 0, 4, 0);
    note("bytes", buffer);
    await handle.write("AL", 0);
    await handle.write(Buffer.from("xPHx"), 1, 2, 2);
    await handle.writev([Buffer.from("A"), Buffer.from("!")], 4);
    await handle.readv([Buffer.alloc(2), Buffer.alloc(2)], 0);
    await handle.stat();
    await handle.stat({ bigint: true });
    await handle.close();
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("read takes its arguments in every form", async ({ fs, at }) => {
    const handle = await fs.promises.open(at("b.txt"));
    await handle.read();
    await handle.read({ buffer: Buffer.alloc(3), position: 1 });
    await handle.read(Buffer.alloc(4), { offset: 1, length: 2, position: 0 });
    await handle.read(Buffer.alloc(4), 5, 1, 0);
    await handle.read(Buffer.alloc(4), 0, 5, 0);
    await handle.read(new Uint8Array(2), 0, 2, null);
    await handle.close();
  }),
  scenario("read of a handle takes objects for options and cuts no length", async (trial) => {
    const { fs, at, note } = trial;
    const handle = await fs.promises.open(at("b.txt"));
    const read = handle.read as (...all: unknown[]) => Promise<unknown>;
    const five = (): Buffer => Buffer.alloc(5, "-");
    for (const offset of [{}, { offset: 1, length: 2 }, { offset: 6 }, [], null]) {
      const buffer = five();
      await read.call(handle, { buffer, offset, position: 1 });
      await read.call(handle, buffer, { offset, position: 1 });
      await read.call(handle, buffer, offset);
      note("bytes", buffer);
    }
    const lengths = [
      6,
      -1,
      5.5,
      2 ** 31,
      2 ** 32,
      2 ** 32 + 1,
      -(2 ** 32),
      Number.MAX_SAFE_INTEGER,
    ];
    for (const length of [...lengths, Number.POSITIVE_INFINITY]) {
      await read.call(handle, five(), 0, length, 0);
      await read.call(handle, five(), 2, length, 0);
      await read.call(handle, { buffer: five(), length, position: 0 });
      await read.call(handle, Buffer.alloc(0), 0, length, 0);
    }
    await handle.close();
  }),
  scenario("readFile, writeFile and appendFile of a handle", async ({ fs, at }) => {
    const handle = await fs.promises.open(at("b.txt"), "r+");
    await handle.readFile("utf8");
    await handle.readFile();
    await handle.writeFile("+w");
    await handle.appendFile("+a");
    await handle.close();
    fs.readFileSync(at("b.txt"), "utf8");
    const fresh = await fs.promises.open(at("n"), "w");
    await fresh.writeFile(Buffer.from("one "));
    await fresh.writeFile("two");
    await fresh.readFile();
    await fresh.close();
    fs.readFileSync(at("n"), "utf8");
  }),
  scenario("metadata through a handle", async ({ fs, at }) => {
    const handle = await fs.promises.open(at("a.txt"), "r+");
    await handle.chmod(0o600);
    await handle.chown(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    await handle.truncate(3);
    await handle.truncate(8);
    await handle.truncate();
    await handle.datasync();
    await handle.sync();
    await handle.utimes(11, 22);
    await handle.stat();
    await handle.close();
    fs.statSync(at("a.txt"));
  }),
  scenario("a closed handle refuses everything", async ({ fs, at, note }) => {
    const handle = await fs.promises.open(at("a.txt"), "r+");
    await handle.close();
    note("descriptor", handle.fd);
    await handle.close();
    await handle.read(Buffer.alloc(1), 0, 1, 0);
    await handle.write("x");
    await handle.stat();
    await handle.readFile();
    await handle.writeFile("x");
    await handle.truncate(1);
    await handle.sync();
  }),
  scenario("a handle survives unlink and rename", async ({ fs, at }) => {
    const one = await fs.promises.open(at("a.txt"), "r+");
    const two = await fs.promises.open(at("b.txt"), "r+");
    await fs.promises.unlink(at("a.txt"));
    await fs.promises.rename(at("b.txt"), at("moved"));
    await one.write("ghost", 0);
    await one.readFile("utf8");
    await two.write("MOVED", 0);
    await one.stat();
    await one.close();
    await two.close();
    fs.readFileSync(at("moved"), "utf8");
  }),
  scenario("lines of a handle", async ({ fs, at, note }) => {
    fs.writeFileSync(at("lines"), "one\ntwo\r\nthree");
    const handle = await fs.promises.open(at("lines"));
    const lines: string[] = [];
    for await (const line of handle.readLines()) lines.push(line);
    note("lines", lines);
    note("descriptor", handle.fd);
  }),
  scenario("streams of a handle", async ({ fs, at, note }) => {
    const source = await fs.promises.open(at("b.txt"));
    const pieces: Buffer[] = [];
    for await (const piece of source.createReadStream({ start: 2, end: 6 })) pieces.push(piece);
    note("bytes", Buffer.concat(pieces));
    note("closed", source.fd);
    const target = await fs.promises.open(at("n"), "w");
    const stream = target.createWriteStream();
    stream.write("one ");
    stream.end("two");
    await new Promise<void>((resolve) => stream.once("close", resolve));
    note("closed", target.fd);
    fs.readFileSync(at("n"), "utf8");
  }),
  scenario("a handle's stream may leave the handle open", async ({ fs, at, note }) => {
    const handle = await fs.promises.open(at("b.txt"));
    const stream = handle.createReadStream({ autoClose: false, end: 3 });
    let text = "";
    for await (const piece of stream) text += piece;
    note("text", text);
    note("still open", handle.fd >= 0);
    await handle.close();
  }),
  scenario("closing a handle ends its streams first", async ({ at, fs, note, raw }) => {
    for (const name of ["createReadStream", "createWriteStream"] as const) {
      const handle = await raw.promises.open(at("b.txt"), "r+");
      const stream: NodeJS.EventEmitter & { destroyed: boolean } = handle[name]();
      const closed = new Promise((resolve) => stream.once("close", resolve));
      stream.on("error", (error) => note(`${name} fails`, error));
      await handle.close();
      await closed;
      note(name, [stream.destroyed, handle.fd]);
    }
    const handle = await raw.promises.open(at("b.txt"));
    const stream = raw.createReadStream("", { fd: handle, highWaterMark: 3 });
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    stream.on("error", (error) => note("fails", error));
    const pieces: unknown[] = [];
    stream.on("data", (piece) => {
      pieces.push(piece);
      void handle.close();
    });
    await closed;
    await setImmediate();
    note("read", [pieces, stream.destroyed, handle.fd]);
    fs.readFileSync(at("b.txt"), "utf8");
  }),
  scenario("a stream of a handle takes no fs", async ({ at, note, raw }) => {
    const handle = await raw.promises.open(at("b.txt"), "r+");
    for (const name of ["createReadStream", "createWriteStream"] as const) {
      try {
        raw[name]("", { fd: handle, fs: raw } as object).destroy();
      } catch (error) {
        note(name, error);
      }
    }
    await handle.close();
  }),
  scenario("nothing is written where there is nothing to write", async ({ fs, at }) => {
    const handle = await fs.promises.open(at("b.txt"), "r");
    await handle.write(Buffer.alloc(0));
    await handle.writeFile("");
    await handle.writeFile(new Uint8Array(0));
    await handle.write("");
    await handle.close();
    const descriptor = fs.openSync(at("b.txt"), "r");
    fs.writeFileSync(descriptor, "");
    fs.closeSync(descriptor);
  }),
  scenario("a web stream of a handle", async ({ fs, at, note }) => {
    const handle = await fs.promises.open(at("b.txt"));
    let text = "";
    for await (const piece of handle.readableWebStream()) {
      text += Buffer.from(piece as ArrayBuffer).toString();
    }
    note("text", text);
    await handle.close();
  }),
  scenario("a web stream is made once of a handle", async ({ raw, at, note }) => {
    const handle = await raw.promises.open(at("b.txt"));
    const refusalOf = () => {
      try {
        return handle.readableWebStream(ofBytes);
      } catch (error) {
        return error;
      }
    };
    const reader = handle.readableWebStream(ofBytes).getReader();
    note("locked", refusalOf());
    const { value } = await reader.read();
    note("bytes", Buffer.from(value as ArrayBuffer));
    await reader.cancel();
    note("still locked", refusalOf());
    await handle.close();
    note("closed", refusalOf());
  }),
  scenario("a web stream of bytes reads into the reader's buffer", async ({ raw, at, note }) => {
    const handle = await raw.promises.open(at("b.txt"));
    const stream = handle.readableWebStream(ofBytes);
    const reader = stream.getReader({ mode: "byob" });
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(4));
      if (value !== undefined) note("bytes", Buffer.from(value as Uint8Array));
      if (done) break;
    }
    note("still open", handle.fd >= 0);
    await handle.close();
  }),
  scenario("a web stream ends when its handle is closed", async ({ raw, at, note }) => {
    const handle = await raw.promises.open(at("b.txt"));
    const reader = handle.readableWebStream(ofBytes).getReader();
    await reader.read();
    await handle.close();
    note("done", (await reader.read()).done);
  }),
  scenario("a web stream closes its handle where Node knows how", async ({ raw, at, note }) => {
    const handle = await raw.promises.open(at("b.txt"));
    const stream = handle.readableWebStream({ autoClose: true } as object);
    let size = 0;
    for await (const piece of stream) size += (piece as ArrayBuffer).byteLength;
    note("size", size);
    await setImmediate();
    await setImmediate();
    note("open", handle.fd >= 0);
    await handle.close();
  }),
  scenario("what a handle is", async ({ raw, at, note }) => {
    const handle = await raw.promises.open(at("a.txt"));
    note("class", handle.constructor.name);
    note("shown as", Object.prototype.toString.call(handle));
    let events = "";
    (handle as unknown as NodeJS.EventEmitter).on("close", () => {
      events += "close ";
    });
    const closed = handle.close();
    note("at once", `${events}${handle.fd}`);
    await closed;
  }),
  scenario("await using closes a handle", async ({ fs, at, note }) => {
    const handle = await fs.promises.open(at("a.txt"));
    await handle[Symbol.asyncDispose]();
    note("descriptor", handle.fd);
  }),
  scenario("handles are event emitters that say when they close", async ({ fs, at, note }) => {
    const handle = await fs.promises.open(at("a.txt"));
    let closed = 0;
    (handle as unknown as NodeJS.EventEmitter).on("close", () => {
      closed += 1;
    });
    await handle.close();
    note("closed", closed);
  }),
  scenario("a handle given to promises.readFile and writeFile", async ({ fs, at }) => {
    const handle = await fs.promises.open(at("a.txt"), "r+");
    const plain = (handle as unknown as { unrecorded: typeof handle }).unrecorded ?? handle;
    await fs.promises.readFile(plain, "utf8");
    await fs.promises.writeFile(plain, "more");
    await fs.promises.appendFile(plain, "again");
    await handle.close();
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("open by promise fails as on the disk", async ({ fs, at }) => {
    await fs.promises.open(at("missing"));
    await fs.promises.open(at("a.txt"), "wx");
    await fs.promises.open(at("d"), "w");
    await fs.promises.open(at("loop1"));
    await fs.promises.open(at("a.txt"), "bad");
    await fs.promises.open(at("a.txt/x"), "a");
    await fs.promises.open(5 as unknown as string);
  }),
  scenario("writes through a read-only handle are EBADF", async ({ fs, at }) => {
    const handle = await fs.promises.open(at("a.txt"), "r");
    await handle.write("x");
    await handle.writeFile("x");
    await handle.truncate(0);
    await handle.close();
    const blind = await fs.promises.open(at("b.txt"), "a");
    await blind.read(Buffer.alloc(1), 0, 1, 0);
    await blind.readFile();
    await blind.close();
  }),
  scenario("writes of promises in flight all land", async ({ fs, raw, at, note }) => {
    const handle = await raw.promises.open(at("n"), "w+");
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        handle.write(Buffer.alloc(3, 48 + index), 0, 3, index * 3),
      ),
    );
    await handle.close();
    note("text", fs.readFileSync(at("n"), "utf8"));
  }),
];
