import { type Scenario, scenario } from "../harness/scenario.ts";

/** Open files: positions, flags, and what happens to them when names change. */
export const descriptors: readonly Scenario[] = [
  scenario("reads advance the position, positional reads do not", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("b.txt"), "r");
    const buffer = Buffer.alloc(5);
    for (const position of [null, null, 0, null, 3]) {
      note("count", fs.readSync(descriptor, buffer, 0, 5, position));
      note("bytes", buffer);
    }
    fs.closeSync(descriptor);
  }),
  scenario("reads at and past the end", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("a.txt"), "r");
    const buffer = Buffer.alloc(10, "-");
    fs.readSync(descriptor, buffer, 0, 10, 4);
    note("bytes", buffer);
    fs.readSync(descriptor, buffer, 0, 10, 6);
    fs.readSync(descriptor, buffer, 0, 10, 1000);
    fs.readSync(descriptor, buffer, 0, 0, 0);
    fs.closeSync(descriptor);
  }),
  scenario("read takes its arguments in every form", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("b.txt"), "r");
    const buffer = Buffer.alloc(12, "-");
    fs.readSync(descriptor, buffer);
    fs.readSync(descriptor, buffer, { position: 2, length: 3, offset: 1 });
    fs.readSync(descriptor, buffer, 0, 3, 0n);
    fs.readSync(descriptor, new Uint16Array(3));
    fs.readSync(descriptor, new DataView(new ArrayBuffer(4)), { length: 4, position: 0 });
    note("bytes", buffer);
    fs.readSync(descriptor, buffer, 20, 1, 0);
    fs.readSync(descriptor, buffer, 0, 20, 0);
    fs.readSync(descriptor, buffer, -1, 1, 0);
    fs.readSync(descriptor, buffer, 0, 1, "0" as unknown as number);
    fs.readSync(descriptor, "text" as unknown as Buffer);
    fs.closeSync(descriptor);
  }),
  scenario("writes advance the position, positional writes do not", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.writeSync(descriptor, "AB");
    fs.writeSync(descriptor, "Z", 5);
    fs.writeSync(descriptor, "CD");
    fs.writeSync(descriptor, Buffer.from("12345"), 1, 2);
    fs.writeSync(descriptor, Buffer.from("12345"), 4, 1, 0);
    fs.writeSync(descriptor, "ü", null, "latin1");
    fs.closeSync(descriptor);
    fs.readFileSync(at("a.txt"));
  }),
  scenario("write refuses wrong arguments", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.writeSync(descriptor, 5 as unknown as string);
    fs.writeSync(descriptor, Buffer.alloc(3), 0, 9);
    fs.writeSync(descriptor, Buffer.alloc(3), 4, 1);
    fs.writeSync(descriptor, Buffer.alloc(3), -1, 1);
    fs.writeSync("3" as unknown as number, "x");
    fs.writeSync(-1, "x");
    fs.closeSync(descriptor);
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("a write past the end leaves a hole of zeros", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.writeSync(descriptor, "end", 20);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
    fs.readFileSync(at("a.txt"));
  }),
  scenario("readv and writev", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("b.txt"), "r+");
    fs.writevSync(descriptor, [Buffer.from("AB"), Buffer.from(""), Buffer.from("CD")]);
    fs.writevSync(descriptor, [Buffer.from("Z")], 6);
    const pieces = [Buffer.alloc(3), Buffer.alloc(3), Buffer.alloc(20)];
    fs.readvSync(descriptor, pieces, 0);
    note("pieces", pieces);
    fs.readvSync(descriptor, pieces);
    note("pieces", pieces);
    fs.readvSync(descriptor, []);
    fs.writevSync(descriptor, []);
    fs.readvSync(descriptor, ["x"] as unknown as Buffer[]);
    fs.writevSync(descriptor, "x" as unknown as Buffer[]);
    fs.closeSync(descriptor);
  }),
  scenario("every flag opens, creates, truncates and refuses as it should", ({ fs, at }) => {
    const flags = [
      "r",
      "rs",
      "sr",
      "r+",
      "rs+",
      "w",
      "xw",
      "wx",
      "w+",
      "wx+",
      "a",
      "ax",
      "a+",
      "ax+",
      "as",
      "as+",
    ];
    for (const [index, flag] of flags.entries()) {
      for (const name of ["b.txt", `new${index}`]) {
        const descriptor = fs.openSync(at(name), flag);
        if (descriptor === undefined) continue;
        fs.writeSync(descriptor, "w");
        fs.readSync(descriptor, Buffer.alloc(4), 0, 4, 0);
        fs.closeSync(descriptor);
      }
      fs.readFileSync(at("b.txt"), "utf8");
      fs.writeFileSync(at("b.txt"), "bravo bravo");
    }
  }),
  scenario("numeric flags", ({ fs, at }) => {
    const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = fs.constants;
    const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
    const combinations: [string, number][] = [
      ["a.txt", O_RDONLY],
      ["a.txt", O_RDONLY | O_TRUNC],
      ["n1", O_WRONLY | O_CREAT],
      ["n1", O_WRONLY | O_CREAT | O_EXCL],
      ["n2", O_RDONLY | O_CREAT],
      ["n3", O_RDWR],
      ["d", O_RDONLY | O_DIRECTORY],
      ["a.txt", O_RDONLY | O_DIRECTORY],
      ["d", O_WRONLY],
      ["d", O_RDWR],
      ["d", O_RDONLY | O_CREAT],
      ["d", O_WRONLY | O_CREAT | O_EXCL],
      ["link", O_RDONLY | O_NOFOLLOW],
      ["dlink", O_RDONLY | O_NOFOLLOW],
      ["dlink", O_RDONLY | O_DIRECTORY | O_NOFOLLOW],
      ["a.txt", O_RDONLY | O_NOFOLLOW],
      ["dangling", O_WRONLY | O_CREAT | O_NOFOLLOW],
      ["dangling", O_WRONLY | O_CREAT | O_EXCL],
      ["b.txt", O_WRONLY | O_APPEND],
      ["b.txt", O_RDWR | O_TRUNC],
    ];
    for (const [name, flag] of combinations) {
      const descriptor = fs.openSync(at(name), flag);
      if (descriptor === undefined) continue;
      fs.fstatSync(descriptor);
      fs.writeSync(descriptor, "W");
      fs.readSync(descriptor, Buffer.alloc(2), 0, 2, 0);
      fs.closeSync(descriptor);
    }
  }),
  scenario("open refuses unknown flags and modes", ({ fs, at }) => {
    fs.openSync(at("a.txt"), "q");
    fs.openSync(at("a.txt"), "rw");
    fs.openSync(at("a.txt"), 1.5);
    fs.openSync(at("n"), "w", "rwx");
    fs.openSync(at("n"), "w", -1);
    fs.existsSync(at("n"));
  }),
  scenario("open of slashes, dots, directories and missing things", ({ fs, at }) => {
    for (const flag of ["r", "r+", "w", "a", "wx"]) {
      for (const name of [
        "a.txt/",
        "d",
        "d/",
        "missing/x",
        "a.txt/x",
        "new/",
        "dangling/",
        "d/.",
        "",
      ]) {
        const descriptor = fs.openSync(at(name), flag);
        if (descriptor !== undefined) fs.closeSync(descriptor);
      }
    }
  }),
  scenario("append mode writes at the end whatever the position", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "a+");
    fs.writeSync(descriptor, "1");
    fs.writeSync(descriptor, "2", 0);
    fs.readSync(descriptor, Buffer.alloc(3), 0, 3, 0);
    fs.appendFileSync(at("a.txt"), "other");
    fs.writeSync(descriptor, "3");
    fs.readSync(descriptor, Buffer.alloc(3), 0, 3, null);
    fs.closeSync(descriptor);
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("a file unlinked while open lives on without a name", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.unlinkSync(at("a.txt"));
    fs.fstatSync(descriptor);
    const buffer = Buffer.alloc(16);
    fs.readSync(descriptor, buffer, 0, 16, 0);
    note("bytes", buffer);
    fs.writeSync(descriptor, "ghost", 0);
    fs.readSync(descriptor, buffer, 0, 16, 0);
    note("bytes", buffer);
    fs.fstatSync(descriptor);
    fs.existsSync(at("a.txt"));
    fs.closeSync(descriptor);
  }),
  scenario("a lower file read after unlink through its old descriptor", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("b.txt"), "r");
    fs.unlinkSync(at("b.txt"));
    fs.writeFileSync(at("b.txt"), "another file");
    const buffer = Buffer.alloc(16);
    fs.readSync(descriptor, buffer, 0, 16, 0);
    note("bytes", buffer);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("a new file unlinked while open", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("n"), "w+");
    fs.writeSync(descriptor, "text");
    fs.unlinkSync(at("n"));
    const buffer = Buffer.alloc(8);
    fs.readSync(descriptor, buffer, 0, 8, 0);
    note("bytes", buffer);
    fs.ftruncateSync(descriptor, 2);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
    fs.readdirSync(at(""));
  }),
  scenario("a file renamed while open is written under its new name", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.renameSync(at("a.txt"), at("d/moved"));
    fs.writeSync(descriptor, "MOVED", 0);
    fs.closeSync(descriptor);
    fs.readFileSync(at("d/moved"), "utf8");
    fs.existsSync(at("a.txt"));
  }),
  scenario("a file in a directory renamed while open", ({ fs, at }) => {
    const writer = fs.openSync(at("d/sub/deep.txt"), "r+");
    const reader = fs.openSync(at("d/x.txt"), "r");
    fs.renameSync(at("d"), at("m"));
    fs.writeSync(writer, "DEEP", 0);
    fs.writeFileSync(at("m/x.txt"), "other");
    fs.readSync(reader, Buffer.alloc(8), 0, 8, 0);
    fs.fstatSync(reader);
    fs.closeSync(writer);
    fs.closeSync(reader);
    fs.readFileSync(at("m/sub/deep.txt"), "utf8");
  }),
  scenario("a file replaced by rename while open stays the old one", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("a.txt"), "r");
    fs.renameSync(at("b.txt"), at("a.txt"));
    const buffer = Buffer.alloc(8);
    fs.readSync(descriptor, buffer, 0, 8, 0);
    note("bytes", buffer);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("a reader opened before sees what is written after", ({ fs, at, note }) => {
    const reader = fs.openSync(at("a.txt"), "r");
    fs.writeFileSync(at("a.txt"), "written later");
    const buffer = Buffer.alloc(20);
    note("count", fs.readSync(reader, buffer, 0, 20, 0));
    note("bytes", buffer);
    fs.fstatSync(reader);
    fs.appendFileSync(at("a.txt"), "!");
    fs.fstatSync(reader);
    fs.closeSync(reader);
  }),
  scenario("two descriptors of one file have positions of their own", ({ fs, at, note }) => {
    const one = fs.openSync(at("a.txt"), "r+");
    const two = fs.openSync(at("a.txt"), "r+");
    fs.writeSync(one, "one");
    fs.writeSync(two, "TW");
    const buffer = Buffer.alloc(8);
    fs.readSync(one, buffer, 0, 8, null);
    note("bytes", buffer);
    fs.closeSync(one);
    fs.writeSync(two, "after");
    fs.closeSync(two);
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("a descriptor through a link keeps its file when the link changes", ({ fs, at }) => {
    const descriptor = fs.openSync(at("link"), "r+");
    fs.unlinkSync(at("link"));
    fs.symlinkSync("b.txt", at("link"));
    fs.writeSync(descriptor, "LINK", 0);
    fs.closeSync(descriptor);
    fs.readFileSync(at("a.txt"), "utf8");
    fs.readFileSync(at("b.txt"), "utf8");
  }),
  scenario("truncating through one descriptor while another reads", ({ fs, at, note }) => {
    const reader = fs.openSync(at("b.txt"), "r");
    const buffer = Buffer.alloc(6);
    fs.readSync(reader, buffer, 0, 6, null);
    fs.truncateSync(at("b.txt"), 2);
    note("count", fs.readSync(reader, buffer, 0, 6, null));
    fs.writeFileSync(at("b.txt"), "0123456789abc");
    note("count", fs.readSync(reader, buffer, 0, 6, null));
    note("bytes", buffer);
    fs.closeSync(reader);
  }),
  scenario("ftruncate shortens and lengthens; a read-only descriptor may not", ({ fs, at }) => {
    const writer = fs.openSync(at("b.txt"), "r+");
    fs.ftruncateSync(writer, 3);
    fs.fstatSync(writer);
    fs.ftruncateSync(writer, 9);
    fs.ftruncateSync(writer);
    fs.fstatSync(writer);
    fs.closeSync(writer);
    const reader = fs.openSync(at("a.txt"), "r");
    fs.ftruncateSync(reader, 1);
    fs.writeSync(reader, "x");
    fs.closeSync(reader);
    const blind = fs.openSync(at("a.txt"), "w");
    fs.readSync(blind, Buffer.alloc(1), 0, 1, 0);
    fs.closeSync(blind);
  }),
  scenario("a closed descriptor is bad for everything", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.closeSync(descriptor);
    fs.closeSync(descriptor);
    fs.readSync(descriptor, Buffer.alloc(1), 0, 1, 0);
    fs.writeSync(descriptor, "x");
    fs.fstatSync(descriptor);
    fs.ftruncateSync(descriptor, 0);
    fs.fsyncSync(descriptor);
    fs.fdatasyncSync(descriptor);
    fs.fchmodSync(descriptor, 0o600);
    fs.futimesSync(descriptor, 1, 1);
    fs.readFileSync(descriptor);
    fs.writeFileSync(descriptor, "x");
    fs.readvSync(descriptor, [Buffer.alloc(1)]);
    fs.writevSync(descriptor, [Buffer.alloc(1)]);
  }),
  scenario("descriptors of wrong types are argument errors", ({ fs }) => {
    fs.closeSync(-1);
    fs.closeSync(1.5);
    fs.closeSync("1" as unknown as number);
    fs.fstatSync(null as unknown as number);
    fs.readSync(undefined as unknown as number, Buffer.alloc(1));
    fs.fsyncSync({} as unknown as number);
  }),
  scenario("a directory opened as a file", ({ fs, at }) => {
    const descriptor = fs.openSync(at("d"), "r");
    fs.fstatSync(descriptor);
    fs.readSync(descriptor, Buffer.alloc(1), 0, 1, 0);
    fs.writeSync(descriptor, "x");
    fs.ftruncateSync(descriptor, 0);
    fs.fsyncSync(descriptor);
    fs.fchmodSync(descriptor, 0o700);
    fs.futimesSync(descriptor, 1, 2);
    fs.readFileSync(descriptor);
    fs.closeSync(descriptor);
    fs.statSync(at("d"));
  }),
  scenario("fsync and fdatasync of changed and unchanged files", ({ fs, at }) => {
    for (const name of ["a.txt", "b.txt"]) {
      const descriptor = fs.openSync(at(name), "r+");
      if (name === "a.txt") fs.writeSync(descriptor, "x");
      fs.fsyncSync(descriptor);
      fs.fdatasyncSync(descriptor);
      fs.closeSync(descriptor);
    }
  }),
  scenario("readFile and writeFile work from the position of a descriptor", ({ fs, at }) => {
    const descriptor = fs.openSync(at("b.txt"), "r+");
    fs.readSync(descriptor, Buffer.alloc(2), 0, 2, null);
    fs.readFileSync(descriptor, "utf8");
    fs.readFileSync(descriptor, "utf8");
    fs.writeFileSync(descriptor, "+tail");
    fs.closeSync(descriptor);
    fs.readFileSync(at("b.txt"), "utf8");
    const over = fs.openSync(at("a.txt"), "r+");
    fs.writeFileSync(over, "X");
    fs.appendFileSync(over, "Y");
    fs.closeSync(over);
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("many descriptors at once", ({ fs, at }) => {
    const open = ["a.txt", "b.txt", "run.sh", "d/x.txt", "empty"].flatMap((name) =>
      Array.from({ length: 10 }, () => fs.openSync(at(name), "r+")),
    );
    for (const [index, descriptor] of open.entries()) fs.writeSync(descriptor, `${index};`);
    for (const descriptor of open) fs.closeSync(descriptor);
    fs.readFileSync(at("empty"), "utf8");
  }),
  scenario("descriptors survive a removed directory", ({ fs, at, note }) => {
    const descriptor = fs.openSync(at("d/sub/deeper/leaf"), "r+");
    fs.rmSync(at("d"), { recursive: true });
    fs.writeSync(descriptor, "LEAF", 0);
    const buffer = Buffer.alloc(4);
    fs.readSync(descriptor, buffer, 0, 4, 0);
    note("bytes", buffer);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("open with a callback, then read and write", async ({ fs, at, callback, note }) => {
    const descriptor = (await callback("open", at("a.txt"), "r+")) as number;
    const buffer = Buffer.alloc(4);
    await callback("read", descriptor, buffer, 0, 4, 0);
    note("bytes", buffer);
    await callback("write", descriptor, Buffer.from("AL"), 0, 2, 0);
    await callback("write", descriptor, "PH", 2);
    await callback("writev", descriptor, [Buffer.from("A")], 4);
    await callback("readv", descriptor, [buffer], 0);
    await callback("fstat", descriptor);
    await callback("ftruncate", descriptor, 5);
    await callback("fsync", descriptor);
    await callback("fdatasync", descriptor);
    await callback("fchmod", descriptor, 0o600);
    await callback("futimes", descriptor, 1, 2);
    await callback("close", descriptor);
    await callback("close", descriptor);
    await callback("read", descriptor, buffer, 0, 4, 0);
    await callback("open", at("missing"), "r");
    fs.readFileSync(at("a.txt"), "utf8");
    fs.statSync(at("a.txt"));
  }),
  scenario("both bits of access together allow neither reading nor writing", ({ fs, at }) => {
    const neither = fs.constants.O_WRONLY | fs.constants.O_RDWR;
    for (const more of [0, fs.constants.O_APPEND, fs.constants.O_TRUNC]) {
      const descriptor = fs.openSync(at("a.txt"), neither | more);
      fs.readSync(descriptor, Buffer.alloc(4));
      fs.writeSync(descriptor, "more");
      fs.ftruncateSync(descriptor, 1);
      fs.readFileSync(descriptor);
      fs.fstatSync(descriptor);
      fs.closeSync(descriptor);
    }
    fs.openSync(at("d"), neither);
    fs.appendFileSync(at("b.txt"), "more", { flag: neither } as object);
    fs.readFileSync(at("b.txt"), "utf8");
  }),
  scenario("vectors without room are refused where one buffer would be", ({ fs, at }) => {
    for (const [name, flags] of [
      ["d", "r"],
      ["a.txt", "r"],
      ["a.txt", "a"],
    ] as const) {
      const descriptor = fs.openSync(at(name), flags);
      const room = [0, 0, 3].map((length) => Buffer.alloc(length));
      for (const count of [0, 1, 2, 3]) fs.readvSync(descriptor, room.slice(0, count));
      for (const count of [0, 1, 2, 3]) fs.writevSync(descriptor, room.slice(0, count));
      fs.closeSync(descriptor);
    }
    fs.readFileSync(at("a.txt"));
  }),
  scenario("read with options in callback form", async ({ fs, at, callback }) => {
    const descriptor = fs.openSync(at("b.txt"), "r");
    await callback("read", descriptor);
    await callback("read", descriptor, { buffer: Buffer.alloc(3), position: 1 });
    await callback("read", descriptor, Buffer.alloc(4), { offset: 1, length: 2, position: 0 });
    fs.closeSync(descriptor);
  }),
];
