import { promisify } from "node:util";
import { type Scenario, scenario } from "../harness/scenario.ts";

/** What the types of Node 20 lack, and Node 20 too. */
interface Later {
  readonly mkdtempDisposableSync?: (prefix: string) => { path: string; remove: () => void };
  readonly openAsBlobSync?: (path: string) => Blob;
  readonly Utf8Stream?: new (
    options: object,
  ) => {
    write(text: string): void;
    flushSync(): void;
    destroy(): void;
    once(event: "close", listener: () => void): void;
  };
}

/** What is particular to the callback and promise forms, and to calls across them. */
export const forms: readonly Scenario[] = [
  scenario("callback forms answer, and never at once", async ({ fs, at, note }) => {
    let answered = false;
    const done = new Promise<void>((resolve) => {
      fs.stat(at("a.txt"), () => {
        answered = true;
        resolve();
      });
    });
    note("not yet", answered);
    await done;
    note("now", answered);
  }),
  scenario("a missing callback is an argument error", ({ fs, at }) => {
    fs.stat(at("a.txt"), undefined as unknown as () => void);
    fs.readFile(at("a.txt"), "utf8" as unknown as () => void);
    fs.writeFile(at("a.txt"), "x", undefined as unknown as () => void);
    fs.mkdir(at("n"), undefined as unknown as () => void);
    fs.readdir(at("d"), 5 as unknown as () => void);
  }),
  scenario("argument errors are thrown, not called back", async ({ fs, callback }) => {
    await callback("stat", 5);
    await callback("readFile", {});
    await callback("mkdir", null);
    await fs.promises.stat(5 as unknown as string);
    await fs.promises.readFile(undefined as unknown as string);
  }),
  scenario("callback forms of reading and writing", async ({ at, callback }) => {
    await callback("writeFile", at("n"), "one");
    await callback("appendFile", at("n"), "two");
    await callback("readFile", at("n"), "utf8");
    await callback("readFile", at("n"));
    await callback("truncate", at("n"), 2);
    await callback("truncate", at("n"));
    await callback("copyFile", at("a.txt"), at("c"));
    await callback("copyFile", at("a.txt"), at("c"), 1);
    await callback("exists", at("c"));
    await callback("exists", at("missing"));
    await callback("access", at("c"));
    await callback("access", at("c"), 1);
    await callback("stat", at("c"), { bigint: true });
    await callback("statfs", at("c"));
  }),
  scenario("callback forms of directories", async ({ fs, at, callback }) => {
    await callback("mkdir", at("n"));
    await callback("mkdir", at("p/q/r"), { recursive: true });
    await callback("mkdir", at("n"), 0o700);
    await callback("readdir", at(""));
    await callback("readdir", at("d"), { withFileTypes: true });
    await callback("readdir", at("d"), { recursive: true });
    await callback("rmdir", at("n"));
    await callback("rmdir", at("d"));
    await callback("mkdtemp", at("t-"));
    fs.readdirSync(at(""));
  }),
  scenario("promise forms of reading and writing", async ({ fs, at }) => {
    const { promises } = fs;
    await promises.writeFile(at("n"), "one");
    await promises.appendFile(at("n"), "two");
    await promises.readFile(at("n"), "utf8");
    await promises.readFile(at("n"));
    await promises.truncate(at("n"), 2);
    await promises.truncate(at("n"));
    await promises.copyFile(at("a.txt"), at("c"));
    await promises.copyFile(at("a.txt"), at("c"), 1);
    await promises.access(at("c"));
    await promises.access(at("c"), 1);
    await promises.stat(at("c"), { bigint: true });
    await promises.lstat(at("link"));
    await promises.statfs(at("c"));
  }),
  scenario("promise forms of directories", async ({ fs, at }) => {
    const { promises } = fs;
    await promises.mkdir(at("n"));
    await promises.mkdir(at("p/q/r"), { recursive: true });
    await promises.mkdir(at("n"), 0o700);
    await promises.readdir(at(""));
    await promises.readdir(at("d"), { withFileTypes: true });
    await promises.readdir(at("d"), { recursive: true });
    await promises.rmdir(at("n"));
    await promises.rmdir(at("d"));
    await promises.mkdtemp(at("t-"));
    await promises.readdir(at("missing"));
  }),
  // streamich/memfs#1068.
  scenario("writeFile of iterables and streams", async ({ fs, at }) => {
    await fs.promises.writeFile(
      at("n"),
      (function* () {
        yield "one ";
        yield "two";
      })(),
    );
    fs.readFileSync(at("n"), "utf8");
    await fs.promises.writeFile(
      at("m"),
      (async function* () {
        yield Buffer.from("three ");
        yield "four";
      })(),
    );
    fs.readFileSync(at("m"), "utf8");
    await fs.promises.writeFile(at("o"), fs.createReadStream(at("a.txt")));
    fs.readFileSync(at("o"), "utf8");
    await fs.promises.writeFile(
      at("p"),
      (async function* () {
        yield 5 as unknown as string;
      })(),
    );
    fs.readFileSync(at("p"), "utf8");
  }),
  scenario("an abort signal stops reading and writing", async ({ fs, at }) => {
    const aborted = AbortSignal.abort();
    await fs.promises.readFile(at("a.txt"), { signal: aborted });
    await fs.promises.writeFile(at("a.txt"), "x", { signal: aborted });
    fs.readFileSync(at("a.txt"), "utf8");
    await new Promise<void>((resolve) => {
      fs.readFile(at("a.txt"), { signal: aborted }, () => resolve());
    });
  }),
  scenario("many promises at once all land", async ({ fs, raw, at }) => {
    const write = (index: number) => raw.promises.writeFile(at(`d/f${index}`), `${index}`);
    await Promise.all(Array.from({ length: 30 }, (_, index) => write(index)));
    fs.readdirSync(at("d"));
  }),
  scenario("concurrent appends all land", async ({ fs, raw, at, note }) => {
    const append = () => raw.promises.appendFile(at("log"), "x");
    await Promise.all(Array.from({ length: 20 }, append));
    note("size", fs.statSync(at("log")).size);
  }),
  scenario("concurrent makers of one directory: one wins", async ({ raw, at, note }) => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => raw.promises.mkdir(at("n"))),
    );
    note("outcomes", outcomes.map((outcome) => outcome.status).sort());
    const made = await Promise.all(
      Array.from({ length: 5 }, () => raw.promises.mkdir(at("p/q/r"), { recursive: true })),
    );
    note(
      "made at least once",
      made.some((path) => path !== undefined),
    );
  }),
  scenario("openAsBlob reads the merged file", async ({ fs, at, note }) => {
    fs.appendFileSync(at("a.txt"), "+");
    const blob = await fs.openAsBlob(at("a.txt"), { type: "text/plain" });
    note("text", await blob.text());
    note("type", blob.type);
    await fs.openAsBlob(at("missing"));
  }),
  scenario("promisified callback forms", async ({ raw, at, note }) => {
    const outcomeOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
    note("exists", await outcomeOf(promisify(raw.exists)(at("a.txt"))));
    note("exists not", await outcomeOf(promisify(raw.exists)(at("missing"))));
    note("no path", await outcomeOf(promisify(raw.exists)(undefined as unknown as string)));
    const descriptor = raw.openSync(at("a.txt"), "r+");
    note("fstat", await outcomeOf(promisify(raw.fstat)(descriptor)));
    const pieces = [Buffer.alloc(2), Buffer.alloc(2)];
    note("read", await outcomeOf(promisify(raw.read)(descriptor, Buffer.alloc(3), 0, 3, 0)));
    note("readv", await outcomeOf(promisify(raw.readv)(descriptor, pieces, 0)));
    note("write", await outcomeOf(promisify(raw.write)(descriptor, Buffer.from("AL"), 0, 2, 0)));
    note("text", await outcomeOf(promisify(raw.write)(descriptor, "PH", 2)));
    note("writev", await outcomeOf(promisify(raw.writev)(descriptor, pieces, 0)));
    raw.closeSync(descriptor);
    note("closed", await outcomeOf(promisify(raw.read)(descriptor, Buffer.alloc(3), 0, 3, 0)));
    note("stat", await outcomeOf(promisify(raw.stat)(at("a.txt"))));
  }),
  scenario("throwIfNoEntry of the forms that deliver later", async ({ fs, at, callback }) => {
    const options = { throwIfNoEntry: false };
    for (const path of ["missing", "a.txt/below", "a.txt", "loop1"]) {
      await callback("stat", at(path), options);
      await callback("lstat", at(path), options);
      await fs.promises.stat(at(path), options as object);
      await fs.promises.lstat(at(path), options as object);
    }
  }),
  scenario("what later releases of Node added", async ({ raw, at, note }) => {
    const later = raw as unknown as Later;
    const made = later.mkdtempDisposableSync?.(at("t-"));
    if (made) {
      note("made", raw.statSync(made.path).isDirectory());
      raw.writeFileSync(`${made.path}/inside`, "x");
      made.remove();
      note("removed", raw.existsSync(made.path));
    }
    note("blob", await later.openAsBlobSync?.(at("a.txt")).text());
    if (later.Utf8Stream === undefined) return;
    const stream = new later.Utf8Stream({ dest: at("log"), sync: true });
    stream.write("one ");
    stream.write("two");
    stream.flushSync();
    note("log", raw.readFileSync(at("log"), "utf8"));
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    stream.destroy();
    await closed;
  }),
  scenario("a file too large for readFile", async ({ fs, at, callback }) => {
    fs.writeFileSync(at("n"), "x");
    fs.truncateSync(at("n"), 3 * 2 ** 30);
    fs.readFileSync(at("n"));
    await callback("readFile", at("n"));
    await callback("readFile", at("n"), "latin1");
    await fs.promises.readFile(at("n"));
    const handle = await fs.promises.open(at("n"));
    await handle.readFile();
    await handle.close();
    const descriptor = fs.openSync(at("n"), "r");
    fs.readFileSync(descriptor);
    fs.closeSync(descriptor);
    fs.unlinkSync(at("n"));
  }),
  scenario("the surface is that of node:fs", ({ fs, note }) => {
    const kinds = (value: object) =>
      Object.keys(value)
        .sort()
        .map((key) => `${key} ${typeof Reflect.get(value, key)}`);
    note("fs", kinds(fs));
    note("promises", kinds(fs.promises));
    note("constants", { ...fs.constants });
    note("promises.constants", { ...fs.promises.constants });
  }),
  scenario(
    "what the callbacks of stat and readFile are given where there is nothing to read",
    async (trial) => {
      const { raw, at, note } = trial;
      const told = (label: string, call: (done: (...answer: unknown[]) => void) => void) =>
        new Promise<void>((resolve) => {
          call((...answer) => {
            note(label, answer);
            resolve();
          });
        });
      const silent = { throwIfNoEntry: false } as object;
      await told("stat", (done) => raw.stat(at("missing"), silent, done));
      await told("lstat", (done) => raw.lstat(at("missing"), silent, done));
      await told("directory", (done) => raw.readFile(at("d"), done));
      await told("text of a directory", (done) => raw.readFile(Buffer.from(at("d")), "utf8", done));
    },
  ),
];
