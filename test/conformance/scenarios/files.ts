import { type Scenario, scenario } from "../harness/scenario.ts";

/** Reading, writing, appending, truncating, copying and removing files. */
export const files: readonly Scenario[] = [
  scenario("a lower file reads as it lies on the disk", ({ fs, at }) => {
    fs.readFileSync(at("a.txt"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.readFileSync(at("d/sub/deep.txt"), { encoding: "latin1" });
    fs.readFileSync(at("empty"), "utf8");
  }),
  scenario("reading leaves times alone", ({ fs, at }) => {
    fs.readFileSync(at("a.txt"));
    fs.readdirSync(at("d"));
    fs.statSync(at("a.txt"));
    fs.statSync(at("d"));
  }),
  scenario("a new file gets mode 0666 less the umask", ({ fs, at }) => {
    fs.writeFileSync(at("new.txt"), "new");
    fs.statSync(at("new.txt"));
    fs.readFileSync(at("new.txt"), "utf8");
  }),
  scenario("a new file takes the mode it is given", ({ fs, at }) => {
    fs.writeFileSync(at("new.sh"), "#!", { mode: 0o777 });
    fs.writeFileSync(at("closed"), "x", { mode: 0o600 });
    fs.writeFileSync(at("octal"), "x", { mode: "640" });
    fs.statSync(at("new.sh"));
  }),
  // AltimateAI/altimate-code#1115.
  scenario("the umask of the process holds for new files and directories", ({ fs, at }) => {
    const before = process.umask(0o077);
    try {
      fs.writeFileSync(at("tight"), "x");
      fs.mkdirSync(at("tightd"));
      fs.mkdirSync(at("p/q/r"), { recursive: true });
      fs.closeSync(fs.openSync(at("opened"), "w", 0o777));
      fs.copyFileSync(at("run.sh"), at("copied.sh"));
    } finally {
      process.umask(before);
    }
  }),
  scenario("overwriting keeps the mode and the inode", ({ fs, at, note }) => {
    const before = fs.statSync(at("run.sh")).ino;
    fs.writeFileSync(at("run.sh"), "#!/bin/bash\n");
    fs.statSync(at("run.sh"));
    note("same inode", fs.statSync(at("run.sh")).ino === before);
  }),
  scenario("overwriting ignores a given mode when the file exists", ({ fs, at }) => {
    fs.writeFileSync(at("a.txt"), "x", { mode: 0o777 });
    fs.statSync(at("a.txt"));
  }),
  scenario("overwriting with shorter content leaves no tail", ({ fs, at }) => {
    fs.writeFileSync(at("b.txt"), "b");
    fs.readFileSync(at("b.txt"), "utf8");
    fs.statSync(at("b.txt"));
  }),
  scenario("overwriting with the same content still moves the times", ({ fs, at }) => {
    fs.writeFileSync(at("a.txt"), "alpha\n");
    fs.statSync(at("a.txt"));
  }),
  scenario("emptying an empty file moves the times as open with O_TRUNC does", ({ fs, at }) => {
    fs.writeFileSync(at("empty"), "");
    fs.statSync(at("empty"));
  }),
  scenario("content of every accepted type is written", ({ fs, at }) => {
    fs.writeFileSync(at("string"), "ünï", "latin1");
    fs.writeFileSync(at("hex"), "c0ffee", "hex");
    fs.writeFileSync(at("buffer"), Buffer.from([0, 255, 128]));
    fs.writeFileSync(at("u16"), new Uint16Array([1, 2, 3]));
    fs.writeFileSync(at("view"), new DataView(new ArrayBuffer(4)));
    fs.readFileSync(at("string"));
    fs.readFileSync(at("hex"));
    fs.readFileSync(at("u16"));
  }),
  scenario("content of a wrong type is refused before anything is touched", ({ fs, at }) => {
    fs.writeFileSync(at("a.txt"), 5 as unknown as string);
    fs.writeFileSync(at("n"), null as unknown as string);
    fs.writeFileSync(at("n"), { a: 1 } as unknown as string);
    fs.existsSync(at("n"));
  }),
  scenario("appending to a lower file keeps what it held", ({ fs, at }) => {
    fs.appendFileSync(at("a.txt"), "+");
    fs.readFileSync(at("a.txt"), "utf8");
    fs.appendFileSync(at("a.txt"), Buffer.from("+"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.statSync(at("a.txt"));
  }),
  scenario("appending to a file in a lower directory keeps what it held", ({ fs, at }) => {
    fs.appendFileSync(at("d/sub/deep.txt"), "er");
    fs.readFileSync(at("d/sub/deep.txt"), "utf8");
  }),
  scenario("appending creates what is missing, with its mode", ({ fs, at }) => {
    fs.appendFileSync(at("log"), "1\n", { mode: 0o600 });
    fs.appendFileSync(at("log"), "2\n");
    fs.readFileSync(at("log"), "utf8");
  }),
  scenario("many small appends add up", ({ fs, at }) => {
    for (let index = 0; index < 50; index++) fs.appendFileSync(at("a.txt"), `${index},`);
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("truncate shortens, lengthens with zeros and empties", ({ fs, at }) => {
    fs.truncateSync(at("a.txt"), 2);
    fs.readFileSync(at("a.txt"));
    fs.truncateSync(at("a.txt"), 8);
    fs.readFileSync(at("a.txt"));
    fs.truncateSync(at("b.txt"));
    fs.statSync(at("b.txt"));
  }),
  scenario("what truncate cut off does not come back when the file grows", ({ fs, at }) => {
    fs.truncateSync(at("b.txt"), 3);
    fs.truncateSync(at("b.txt"), 12);
    fs.readFileSync(at("b.txt"));
    fs.appendFileSync(at("b.txt"), "!");
    fs.readFileSync(at("b.txt"));
  }),
  scenario("truncate to the same size", ({ fs, at }) => {
    fs.truncateSync(at("a.txt"), 6);
    fs.statSync(at("a.txt"));
  }),
  scenario("truncate refuses negative, fractional and foreign lengths", ({ fs, at }) => {
    fs.truncateSync(at("a.txt"), -1);
    fs.truncateSync(at("a.txt"), 1.5);
    fs.truncateSync(at("a.txt"), "2" as unknown as number);
  }),
  scenario("unlink of a lower file hides it", ({ fs, at }) => {
    fs.unlinkSync(at("a.txt"));
    fs.existsSync(at("a.txt"));
    fs.statSync(at("a.txt"));
    fs.readFileSync(at("a.txt"));
    fs.readdirSync(at(""));
    fs.unlinkSync(at("a.txt"));
  }),
  scenario("a file written after unlink is a new one", ({ fs, at, note }) => {
    const before = fs.statSync(at("run.sh"));
    fs.unlinkSync(at("run.sh"));
    fs.writeFileSync(at("run.sh"), "again");
    fs.statSync(at("run.sh"));
    note("has its own birth", fs.statSync(at("run.sh")).mtimeMs > before.mtimeMs);
  }),
  scenario("a file unlinked, written and unlinked again is gone", ({ fs, at }) => {
    fs.unlinkSync(at("a.txt"));
    fs.writeFileSync(at("a.txt"), "2");
    fs.unlinkSync(at("a.txt"));
    fs.readdirSync(at(""));
    fs.readFileSync(at("a.txt"));
  }),
  scenario("a new file unlinked leaves nothing", ({ fs, at }) => {
    fs.writeFileSync(at("n"), "n");
    fs.unlinkSync(at("n"));
    fs.readdirSync(at(""));
  }),
  scenario("every flag of writeFile", ({ fs, at }) => {
    fs.writeFileSync(at("a.txt"), "1", { flag: "wx" });
    fs.writeFileSync(at("n1"), "1", { flag: "wx" });
    fs.writeFileSync(at("a.txt"), "2", { flag: "a" });
    fs.writeFileSync(at("a.txt"), "3", { flag: "r+" });
    fs.writeFileSync(at("n2"), "4", { flag: "r+" });
    fs.writeFileSync(at("a.txt"), "5", { flag: "ax" });
    fs.writeFileSync(at("n3"), "6", { flag: "ax" });
    fs.writeFileSync(at("a.txt"), "7", { flag: "r" });
    fs.writeFileSync(at("a.txt"), "8", { flag: "zz" });
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("every flag of readFile", ({ fs, at }) => {
    fs.readFileSync(at("a.txt"), { flag: "r" });
    fs.readFileSync(at("a.txt"), { flag: "rs+" });
    fs.readFileSync(at("a.txt"), { flag: "a+" });
    fs.readFileSync(at("made"), { flag: "a+" });
    fs.readFileSync(at("a.txt"), { flag: "w" });
    fs.readFileSync(at("b.txt"), { flag: "w+" });
    fs.existsSync(at("made"));
  }),
  scenario("bad encodings and options are argument errors", ({ fs, at }) => {
    fs.readFileSync(at("a.txt"), "nonsense" as BufferEncoding);
    fs.readFileSync(at("a.txt"), 5 as unknown as BufferEncoding);
    fs.writeFileSync(at("a.txt"), "x", "nonsense" as BufferEncoding);
    fs.readFileSync(at("a.txt"), { encoding: "nonsense" as BufferEncoding });
  }),
  scenario("paths of a wrong type and with NUL are argument errors", ({ fs, at }) => {
    fs.readFileSync({} as unknown as string);
    fs.statSync(null as unknown as string);
    fs.unlinkSync(undefined as unknown as string);
    fs.mkdirSync(true as unknown as string);
    fs.writeFileSync(at("nul\0byte"), "x");
    fs.readFileSync(Buffer.from("nul\0"));
    fs.renameSync(at("a.txt"), at("x\0"));
    fs.existsSync(at("a\0"));
    fs.statSync(new URL("http://example.test/x"));
  }),
  scenario("existsSync never throws", ({ fs, at }) => {
    for (const name of ["a.txt", "d", "dangling", "loop1", "nope", "a.txt/x", "link", "d/"]) {
      fs.existsSync(at(name));
    }
    fs.existsSync(7 as unknown as string);
    fs.existsSync("");
  }),
  scenario("access checks what exists and what may be done", ({ fs, at }) => {
    const { F_OK, R_OK, W_OK, X_OK } = fs.constants;
    for (const name of ["a.txt", "run.sh", "d", "missing", "dangling", "loop1", "link"]) {
      for (const mode of [F_OK, R_OK, W_OK, X_OK, R_OK | W_OK]) fs.accessSync(at(name), mode);
    }
    fs.accessSync(at("a.txt"), 99);
    fs.accessSync(at("a.txt"), "r" as unknown as number);
  }),
  scenario("access of a new file follows its mode", ({ fs, at }) => {
    fs.writeFileSync(at("n"), "n");
    fs.accessSync(at("n"), fs.constants.X_OK);
    fs.chmodSync(at("n"), 0o755);
    fs.accessSync(at("n"), fs.constants.X_OK);
    fs.chmodSync(at("run.sh"), 0o644);
    fs.accessSync(at("run.sh"), fs.constants.X_OK);
  }),
  scenario("copyFile copies content and mode, not times", ({ fs, at }) => {
    fs.copyFileSync(at("run.sh"), at("copy.sh"));
    fs.statSync(at("copy.sh"));
    fs.copyFileSync(at("a.txt"), at("run.sh"));
    fs.statSync(at("run.sh"));
    fs.readFileSync(at("run.sh"), "utf8");
  }),
  scenario("a copy and its source part ways", ({ fs, at }) => {
    fs.copyFileSync(at("a.txt"), at("c.txt"));
    fs.appendFileSync(at("c.txt"), "copy");
    fs.appendFileSync(at("a.txt"), "source");
    fs.readFileSync(at("a.txt"), "utf8");
    fs.readFileSync(at("c.txt"), "utf8");
  }),
  scenario("copyFile with COPYFILE_EXCL spares what exists", ({ fs, at }) => {
    const { COPYFILE_EXCL, COPYFILE_FICLONE } = fs.constants;
    fs.copyFileSync(at("a.txt"), at("b.txt"), COPYFILE_EXCL);
    fs.copyFileSync(at("a.txt"), at("c1"), COPYFILE_EXCL);
    fs.copyFileSync(at("a.txt"), at("c2"), COPYFILE_FICLONE);
    fs.copyFileSync(at("a.txt"), at("c3"), 99);
  }),
  scenario("copyFile follows links on both sides", ({ fs, at }) => {
    fs.copyFileSync(at("link"), at("copy"));
    fs.copyFileSync(at("b.txt"), at("link"));
    fs.lstatSync(at("link"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.copyFileSync(at("a.txt"), at("dangling"));
    fs.readFileSync(at("nowhere"), "utf8");
  }),
  scenario("copyFile onto itself leaves the content", ({ fs, at }) => {
    fs.copyFileSync(at("a.txt"), at("a.txt"));
    fs.copyFileSync(at("a.txt"), at("link"));
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("copyFile refuses directories and missing things", ({ fs, at }) => {
    fs.copyFileSync(at("d"), at("copy"));
    fs.copyFileSync(at("a.txt"), at("d"));
    fs.copyFileSync(at("missing"), at("copy"));
    fs.copyFileSync(at("a.txt"), at("missing/copy"));
    fs.copyFileSync(at("a.txt"), at("b.txt/copy"));
  }),
  scenario("a write to one path shows at once through all others", ({ fs, at }) => {
    fs.writeFileSync(at("d/x.txt"), "changed");
    fs.readFileSync(at("dlink/x.txt"), "utf8");
    fs.readFileSync(at("abs"), "utf8");
    fs.readFileSync(at("d/sub/../x.txt"), "utf8");
    fs.readFileSync(at("./d//x.txt"), "utf8");
  }),
  scenario("a returned buffer belongs to the caller", ({ fs, at }) => {
    const first = fs.readFileSync(at("a.txt"));
    first.fill(0);
    fs.readFileSync(at("a.txt"), "utf8");
    fs.writeFileSync(at("n"), "mine");
    fs.readFileSync(at("n")).fill(0);
    fs.readFileSync(at("n"), "utf8");
  }),
  scenario("a buffer given to write may be reused", ({ fs, at }) => {
    const bytes = Buffer.from("first");
    fs.writeFileSync(at("n"), bytes);
    bytes.write("again");
    fs.readFileSync(at("n"), "utf8");
    fs.appendFileSync(at("n"), bytes);
    bytes.fill(0);
    fs.readFileSync(at("n"), "utf8");
  }),
  scenario("paths as Buffer and URL name the same files", ({ fs, at }) => {
    const url = new URL(`file://${at("a.txt")}`);
    fs.readFileSync(url, "utf8");
    fs.statSync(Buffer.from(at("a.txt")));
    fs.writeFileSync(new URL(`file://${at("per%20cent")}`), "x");
    fs.readFileSync(at("per cent"), "utf8");
    fs.unlinkSync(Buffer.from(at("per cent")));
    fs.renameSync(url, Buffer.from(at("renamed")));
    fs.readFileSync(new URL(`file://${at("gone")}`));
    fs.readFileSync(Buffer.from(at("gone")));
    fs.statSync(new URL(`file://${at("a%2Fb")}`));
  }),
  scenario("a read of a directory fails as on the disk", ({ fs, at }) => {
    fs.readFileSync(at("d"));
    fs.readFileSync(at("d/"));
    fs.readFileSync(at("dlink"), "utf8");
    fs.writeFileSync(at("d"), "x");
    fs.appendFileSync(at("e"), "x");
    fs.truncateSync(at("d"), 0);
    fs.unlinkSync(at("d"));
  }),
  scenario("stats of every kind of node, both ways", ({ fs, at }) => {
    for (const name of ["a.txt", "d", "link", "dlink", "h1", "e", "run.sh", "up", "chain", "abs"]) {
      fs.statSync(at(name));
      fs.lstatSync(at(name));
      fs.statSync(at(name), { bigint: true });
      fs.lstatSync(at(name), { bigint: true });
    }
  }),
  scenario("throwIfNoEntry silences only what is not there", ({ fs, at }) => {
    fs.statSync(at("missing"), { throwIfNoEntry: false });
    fs.lstatSync(at("missing"), { throwIfNoEntry: false });
    fs.statSync(at("a.txt/below"), { throwIfNoEntry: false });
    fs.lstatSync(at("a.txt/below"), { throwIfNoEntry: false });
    fs.statSync(at("loop1"), { throwIfNoEntry: false });
    fs.statSync(at("dangling"), { throwIfNoEntry: false });
    fs.unlinkSync(at("a.txt"));
    fs.statSync(at("a.txt"), { throwIfNoEntry: false });
  }),
  scenario("statfs answers for the tree", ({ fs, at }) => {
    fs.statfsSync(at("a.txt"));
    fs.statfsSync(at("d"), { bigint: true });
    fs.writeFileSync(at("n"), "");
    fs.statfsSync(at("n"));
    fs.statfsSync(at("missing"));
  }),
  scenario(
    "mkdtemp makes a private directory with a random end",
    ({ fs, at, note }) => {
      const made = fs.mkdtempSync(at("tmp-"), { encoding: "buffer" }).toString();
      note("length", made.length - at("").length);
      note("mode", fs.statSync(made).mode);
      fs.rmdirSync(made);
    },
    { skip: {} },
  ),
  scenario("mkdtemp that fails names what it tried", async ({ raw, at, note }) => {
    const tell = (error: NodeJS.ErrnoException) => {
      const { code, path = "", message } = error;
      note("error", [code, path.slice(0, -6), path.length, path.endsWith("XXXXXX")]);
      note("message", message.split(path).join(""));
    };
    for (const prefix of ["missing/t-", "a.txt/t-", "loop1/"].map(at)) {
      try {
        raw.mkdtempSync(prefix);
      } catch (error) {
        tell(error as NodeJS.ErrnoException);
      }
      await raw.promises.mkdtemp(prefix).catch(tell);
      await new Promise<void>((resolve) => {
        raw.mkdtemp(prefix, (error) => {
          tell(error as NodeJS.ErrnoException);
          resolve();
        });
      });
    }
  }),
];
