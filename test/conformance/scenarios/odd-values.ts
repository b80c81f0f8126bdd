import type { Dir } from "node:fs";
import { type Scenario, scenario, type Trial } from "../harness/scenario.ts";
import { answer, answerOf, ask } from "./untyped-calls.ts";

const oddPositions = [Number.NaN, 2.5, Number.POSITIVE_INFINITY, -5, "1", true, 3n, null, {}];

/** Runs the three forms of a read and notes what each got, and where the next one would start. */
async function readEach(trial: Trial, ...input: unknown[]): Promise<void> {
  const { at, fs, note } = trial;
  const rest = (descriptor: number): string => {
    const bytes = Buffer.alloc(2);
    return bytes.toString("latin1", 0, fs.readSync(descriptor, bytes, 0, 2, null));
  };
  for (const form of ["sync", "callback", "handle"]) {
    const buffer = Buffer.from("0123456789");
    const given = input.map((value) => (value === bytes ? buffer : value));
    const handle = await fs.promises.open(at("b.txt"), "r");
    const descriptor = fs.openSync(at("b.txt"), "r");
    if (form === "sync") ask(trial, "readSync", descriptor, ...given);
    if (form === "callback")
      note(form, await answerOf(trial, "read", descriptor, ...given, answer));
    const read = handle.read as (...all: unknown[]) => Promise<unknown>;
    if (form === "handle") await read.apply(handle, given);
    note("left", [buffer.toString(), rest(descriptor)]);
    fs.closeSync(descriptor);
    await handle.close();
  }
}

function isThrown(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}

/** Stands for a buffer of ten bytes. */
const bytes = Symbol("bytes");

/** Values that the types of the calls do not have, and what is made of them. */
export const oddValues: readonly Scenario[] = [
  scenario("what is no whole number is no position", async (trial) => {
    const { at, fs } = trial;
    for (const position of oddPositions) {
      const descriptor = fs.openSync(at("b.txt"), "r+");
      ask(trial, "writeSync", descriptor, "A", position);
      ask(trial, "writeSync", descriptor, Buffer.from("BC"), 0, 2, position);
      ask(trial, "writevSync", descriptor, [Buffer.from("D"), Buffer.from("E")], position);
      ask(trial, "readvSync", descriptor, [Buffer.alloc(2)], position);
      await trial.callback("write", descriptor, "F", position);
      fs.closeSync(descriptor);
      const handle = await fs.promises.open(at("b.txt"), "r+");
      await (handle.write as (...all: unknown[]) => Promise<unknown>)("G", position);
      await (handle.writev as (...all: unknown[]) => Promise<unknown>)(
        [Buffer.from("H")],
        position,
      );
      await handle.close();
      fs.readFileSync(at("b.txt"), "utf8");
    }
  }),
  scenario("what a read is asked for when something is left out", async (trial) => {
    await readEach(trial, bytes);
    await readEach(trial, bytes, 1);
    await readEach(trial, bytes, 1, undefined, 0);
    await readEach(trial, bytes, null, 2, 1);
    await readEach(trial, bytes, {});
    await readEach(trial, bytes, { offset: 2, length: undefined });
    await readEach(trial, bytes, { offset: null, length: 3 });
    await readEach(trial, bytes, { length: 0 });
    await readEach(trial, bytes, { offset: 9, length: 5 });
    await readEach(trial, bytes, { offset: 3n });
  }),
  scenario("what are no options of a read", async (trial) => {
    for (const options of [0, true, "4", 5n, [], () => {}]) await readEach(trial, bytes, options);
    for (const first of [4, "x", [], { buffer: null, length: 1 }]) await readEach(trial, first);
  }),
  scenario("positions of a read beyond all that a file has", async (trial) => {
    for (const position of [2n ** 62n, 2n ** 63n - 2n, 2n ** 63n, -2n, 2 ** 53, 1n, "1"]) {
      await readEach(trial, bytes, 0, 1, position);
    }
  }),
  scenario("what a write is asked for when something is left out", async (trial) => {
    const { at, fs } = trial;
    const cases: unknown[][] = [
      [null, 2],
      [undefined, "2"],
      [1, null, "x"],
      [{ offset: 1 }],
      [{ offset: null, length: 2, position: 1 }],
      [{ offset: 1, length: "2" }],
      [true],
      ["1"],
      [5n],
      [3, 9],
      [-1],
      [0, -1],
      [2.5],
    ];
    for (const input of cases) {
      const data = Buffer.from("WXYZ");
      const descriptor = fs.openSync(at("b.txt"), "r+");
      ask(trial, "writeSync", descriptor, data, ...input);
      trial.note("write", await answerOf(trial, "write", descriptor, data, ...input, answer));
      const handle = await fs.promises.open(at("b.txt"), "r+");
      await (handle.write as (...all: unknown[]) => Promise<unknown>)(data, ...input);
      await handle.close();
      fs.closeSync(descriptor);
      fs.readFileSync(at("b.txt"), "utf8");
    }
  }),
  scenario("half a byte of hexadecimal digits is refused, an unknown encoding is not", (trial) => {
    const { at, fs } = trial;
    const descriptor = fs.openSync(at("n"), "w+");
    for (const encoding of ["hex", "HEX", "bad", null, 5, "latin1"]) {
      for (const text of ["abc", "abcd"]) ask(trial, "writeSync", descriptor, text, null, encoding);
    }
    fs.closeSync(descriptor);
    fs.readFileSync(at("n"), "latin1");
  }),
  scenario("a date that is none is no time", async (trial) => {
    const { at, fs, note } = trial;
    const none = new Date(Number.NaN);
    const descriptor = fs.openSync(at("a.txt"), "r+");
    for (const times of [
      [none, 1],
      [1, none],
    ]) {
      for (const [name, target] of [
        ["utimes", at("a.txt")],
        ["lutimes", at("link")],
        ["utimes", at("missing")],
        ["futimes", descriptor],
      ] as const) {
        note(name, await answerOf(trial, name, target, ...times, answer));
      }
    }
    fs.closeSync(descriptor);
    fs.statSync(at("a.txt"));
  }),
  scenario("a call without a callback tells what Node looks at first", (trial) => {
    const { at, raw } = trial;
    const descriptor = raw.openSync(at("a.txt"), "r+");
    ask(trial, "fchmod", descriptor, {});
    ask(trial, "fchown", descriptor, "me", 0);
    ask(trial, "futimes", descriptor, 1, "never");
    ask(trial, "ftruncate", descriptor, "long");
    ask(trial, "read", null, Buffer.alloc(1), 0, 1, 0);
    ask(trial, "read", descriptor, 5, 0, 1, 0);
    ask(trial, "write", descriptor, 5);
    ask(trial, "writev", descriptor, 5);
    ask(trial, "opendir", at("d"));
    ask(trial, "access", 5);
    ask(trial, "chmod", at("a.txt"), {});
    ask(trial, "rename", at("a.txt"), 5);
    ask(trial, "rename", at("a.txt"), at("n"));
    ask(trial, "mkdir", at("n"), { recursive: 1 });
    ask(trial, "rmdir", at("d"));
    ask(trial, "unlink", at("a.txt"));
    ask(trial, "readdir", at("d"), { encoding: "bad" });
    ask(trial, "truncate", at("a.txt"), 1);
    raw.closeSync(descriptor);
  }),
  scenario("what is wrong with a listing is thrown at once", async (trial) => {
    const { at, note } = trial;
    for (const options of [5, true, { encoding: "bad" }, { recursive: 0 }, { signal: 5 }]) {
      note("readdir", await answerOf(trial, "readdir", at("d"), options, answer));
    }
  }),
  scenario("what recursive is worth", async (trial) => {
    const { at, note, raw } = trial;
    for (const recursive of [0, 1, "", "yes", null]) {
      for (const name of ["readdirSync", "promises.readdir"]) {
        await ask(trial, name, at("missing"), { recursive });
      }
      const list = raw.promises.readdir as (path: string, options: unknown) => Promise<string[]>;
      note("listed", (await list(at("d"), { recursive })).sort());
      const open = raw.opendirSync as (path: string, options: unknown) => Dir;
      const directory = open(at("d"), { recursive });
      const names: string[] = [];
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        names.push(entry.name);
      }
      directory.closeSync();
      note("entries", names.sort());
    }
  }),
  scenario("opendir opens before it looks at the size of its buffer", (trial) => {
    for (const bufferSize of [null, 0, "1", 1.5, undefined]) {
      ask(trial, "opendirSync", trial.at("a.txt"), { bufferSize });
      ask(trial, "opendirSync", trial.at("missing"), { bufferSize });
    }
  }),
  scenario("a falsy flag is that of the call", async (trial) => {
    const { at, fs } = trial;
    for (const flag of [0, "", null, false, Number.NaN]) {
      for (const name of ["writeFile", "appendFile"]) {
        ask(trial, `${name}Sync`, at("n"), "text", { flag });
        await ask(trial, `promises.${name}`, at("b.txt"), "more", { flag });
      }
    }
    fs.readFileSync(at("n"), "utf8");
    fs.readFileSync(at("b.txt"), "utf8");
  }),
  scenario("a signal that is none is refused where none is heeded", (trial) => {
    const { at } = trial;
    for (const signal of [5, null, {}]) {
      ask(trial, "readFileSync", at("a.txt"), { signal });
      ask(trial, "writeFileSync", at("a.txt"), "x", { signal });
      ask(trial, "appendFileSync", at("a.txt"), "x", { signal });
      ask(trial, "readdirSync", at("d"), { signal });
      ask(trial, "readlinkSync", at("link"), { signal });
    }
    ask(trial, "readFileSync", at("a.txt"), { signal: AbortSignal.abort(), encoding: "utf8" });
  }),
  scenario("buffer is no encoding of content", async (trial) => {
    const { at, fs, note } = trial;
    fs.writeFileSync(at("new"), "new");
    for (const name of ["a.txt", "new"]) {
      ask(trial, "readFileSync", at(name), "buffer");
      await ask(trial, "promises.readFile", at(name), { encoding: "buffer" });
      note("read", await answerOf(trial, "readFile", at(name), "buffer", answer));
      note(
        "thrown",
        isThrown(() => trial.raw.readFile(at(name), "buffer" as "utf8", () => {})),
      );
      ask(trial, "writeFileSync", at(name), "text", "buffer");
      ask(trial, "writeFileSync", at(name), Buffer.from("bytes"), "buffer");
      await ask(trial, "promises.writeFile", at(name), "text", "buffer");
    }
    const handle = await fs.promises.open(at("a.txt"), "r+");
    await (handle.readFile as (options: unknown) => Promise<unknown>)("buffer");
    await (handle.writeFile as (...all: unknown[]) => Promise<unknown>)("text", "buffer");
    await handle.close();
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("realpath makes a text of what it is given", (trial) => {
    const { at } = trial;
    ask(trial, "realpathSync", Buffer.from(at("link")));
    const input = { toString: () => at("link") };
    trial.note("object", (trial.raw.realpathSync as (path: unknown) => string)(input));
    ask(trial, "realpathSync", at("missing"), null);
  }),
  scenario("truncate and a descriptor", async (trial) => {
    const { at, fs, note, raw } = trial;
    const descriptor = fs.openSync(at("a.txt"), "r+");
    // The messages of some releases tell the number.
    const cut = (length: unknown, target: unknown = descriptor): void => {
      try {
        (raw.truncateSync as (...input: unknown[]) => void)(target, length);
        note("cut", fs.readFileSync(at("a.txt"), "utf8"));
      } catch (error) {
        note("refused", (error as NodeJS.ErrnoException).code);
      }
    };
    for (const length of [4, undefined, "long"]) cut(length);
    cut(1, 2 ** 30 + 2 ** 20);
    const later = await answerOf(trial, "truncate", descriptor, 2, answer);
    note("later", (later[0] as NodeJS.ErrnoException | null)?.code);
    await ask(trial, "promises.truncate", 5, 1);
    fs.closeSync(descriptor);
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("rmdir with recursive", async (trial) => {
    const { at, fs, note } = trial;
    const options = { recursive: true };
    fs.mkdirSync(at("one/two"), options);
    fs.writeFileSync(at("one/two/file"), "text");
    fs.cpSync(at("d"), at("e"), options);
    fs.symlinkSync("e", at("alias"));
    ask(trial, "rmdirSync", at("missing"), options);
    ask(trial, "rmdirSync", at("a.txt"), options);
    ask(trial, "rmdirSync", at("alias"), options);
    ask(trial, "rmdirSync", at("one"), { recursive: 1 });
    await ask(trial, "promises.rmdir", at("missing"), options);
    await ask(trial, "promises.rmdir", at("a.txt"), options);
    ask(trial, "rmdirSync", at("one"), options);
    note("later", await answerOf(trial, "rmdir", at("e/sub"), options, answer));
    await ask(trial, "promises.rmdir", at("alias"), options);
    await ask(trial, "promises.rmdir", at("e"), options);
  }),
  scenario("a copy to a path that leads through a file", async (trial) => {
    const { at, fs } = trial;
    for (const [source, target] of [
      ["b.txt", "a.txt/x"],
      ["b.txt", "a.txt/"],
      ["d", "a.txt/x"],
      ["a.txt/x", "n"],
    ] as const) {
      for (const dereference of [false, true]) {
        const options = { recursive: true, dereference };
        // Some releases have words of their own for this one.
        const isWorded = source === "d" && dereference;
        if (!isWorded) ask(trial, "cpSync", at(source), at(target), options);
        await fs.promises.cp(at(source), at(target), options);
      }
    }
  }),
  scenario("kept times are rounded to milliseconds", async (trial) => {
    const { at, fs } = trial;
    for (const fraction of [0.1374, 0.1376, 0.9996]) {
      fs.utimesSync(at("a.txt"), 1e9 + fraction, 1e9 + fraction);
      fs.cpSync(at("a.txt"), at("n"), { preserveTimestamps: true });
      fs.statSync(at("n"));
      await fs.promises.cp(at("a.txt"), at("m"), { preserveTimestamps: true });
      fs.statSync(at("m"), { bigint: true });
    }
  }),
  scenario("removing a tree by a path that leads through its own child", async (trial) => {
    const { at, fs } = trial;
    for (const name of ["one", "two"]) {
      fs.mkdirSync(at(`${name}/only`), { recursive: true });
      fs.writeFileSync(at(`${name}/only/file`), "text");
    }
    fs.rmSync(at("one/only/.."), { recursive: true });
    await fs.promises.rm(at("two/only/.."), { recursive: true });
  }),
  scenario("a handle heeds a signal until its answer", async (trial) => {
    const { at, fs } = trial;
    const handle = await fs.promises.open(at("b.txt"), "r+");
    const reading = new AbortController();
    const read = handle.readFile({ signal: reading.signal });
    reading.abort();
    await read;
    for (const data of ["short", Buffer.alloc(1 << 20, 120)]) {
      const writing = new AbortController();
      const write = handle.writeFile(data, { signal: writing.signal } as object);
      writing.abort();
      await write;
    }
    await handle.truncate(0);
    await handle.close();
  }),
];
