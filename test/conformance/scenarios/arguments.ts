import { pathToFileURL } from "node:url";
import { type Scenario, scenario } from "../harness/scenario.ts";
import { answer, answerOf, ask } from "./untyped-calls.ts";

/** What a URL of another library has. */
function foreignUrl(path: string): object {
  const { href, protocol, host, hostname, pathname } = pathToFileURL(path);
  return { href, protocol, host, hostname, pathname };
}

/** A class whose options are on its prototype. */
class Inherited {
  get bigint(): boolean {
    return true;
  }
}

/** What the calls make of arguments that are unusual, but that programs pass. */
export const argumentForms: readonly Scenario[] = [
  scenario("a call that tells about a file is given an index", async (trial) => {
    const { at, fs } = trial;
    fs.appendFileSync(at("b.txt"), "+");
    for (const form of ["statSync", "lstatSync", "statfsSync", "promises.stat", "promises.lstat"]) {
      for (const options of [0, 5, true, "utf8", null]) {
        for (const path of ["a.txt", "b.txt"]) await ask(trial, form, at(path), options);
      }
    }
    const descriptor = fs.openSync(at("b.txt"), "r");
    ask(trial, "fstatSync", descriptor, 3);
    fs.closeSync(descriptor);
    const handle = await fs.promises.open(at("b.txt"));
    await (handle.stat as (options: unknown) => Promise<unknown>)(2);
    await handle.close();
  }),
  scenario("options are found on a prototype", async (trial) => {
    const { at, fs } = trial;
    fs.appendFileSync(at("b.txt"), "+");
    for (const form of ["statSync", "lstatSync", "promises.stat", "promises.lstat"]) {
      await ask(trial, form, at("b.txt"), new Inherited());
    }
  }),
  scenario("a falsy encoding is none, and a wrong one is named", async (trial) => {
    const { at } = trial;
    for (const encoding of ["", false, 0, null, 5, {}, "bad"]) {
      ask(trial, "readlinkSync", at("link"), { encoding });
      ask(trial, "readdirSync", at("d"), { encoding });
      await ask(trial, "promises.realpath", at("a.txt"), { encoding });
      await ask(trial, "promises.writeFile", at("n"), "text", { encoding });
    }
    ask(trial, "readlinkSync", at("link"), "");
  }),
  scenario("a path that is none is named as its call names it", (trial) => {
    for (const path of [5, null, {}, "a\0b"]) ask(trial, "readlinkSync", path);
  }),
  scenario("a URL of another library is a path", async (trial) => {
    const { at, fs } = trial;
    const url = foreignUrl(at("a.txt"));
    for (const form of ["statSync", "readFileSync", "realpathSync", "promises.access"]) {
      await ask(trial, form, url);
    }
    ask(trial, "readdirSync", foreignUrl(at("d")), { withFileTypes: true });
    ask(trial, "copyFileSync", url, foreignUrl(at("copy")));
    fs.readFileSync(at("copy"), "utf8");
    ask(trial, "unlinkSync", foreignUrl(at("missing")));
  }),
  scenario("what follows the callback is not looked at", async (trial) => {
    const { at, note } = trial;
    for (const rest of [[undefined], [null], [undefined, 5], ["x"], [answer]]) {
      const told = async (name: string, ...input: unknown[]): Promise<void> =>
        note(name, (await answerOf(trial, name, ...input, answer, ...rest)).slice(0, 2));
      await told("rename", at("a.txt"), at("moved"));
      await told("rename", at("moved"), at("a.txt"));
      await told("unlink", at("missing"));
      await told("lstat", at("a.txt"), {});
      await told("access", at("a.txt"), 0);
      await told("truncate", at("a.txt"), 3);
      await told("writeFile", at("n"), "text", "utf8");
      await told("readFile", at("n"), "utf8");
    }
    note("left out", await answerOf(trial, "readFile", at("a.txt"), answer, undefined));
    note("left out", await answerOf(trial, "mkdir", at("n"), answer, undefined));
    note("left out", await answerOf(trial, "stat", at("missing"), answer, null));
  }),
  scenario("callbacks are called without a this", async ({ at, note, raw }) => {
    for (const name of ["stat", "access", "readdir", "realpath", "exists"] as const) {
      const call = raw[name] as (path: string, callback: unknown) => void;
      await new Promise<void>((resolve) => {
        call(at("d"), function (this: unknown) {
          note(name, typeof this);
          resolve();
        });
      });
    }
  }),
  scenario("a wrong type of link is thrown, not called back", async ({ at, callback }) => {
    await callback("symlink", "target", at("n"), "bad");
  }),
  scenario("numbers that can be no descriptor", async (trial) => {
    for (const descriptor of [2 ** 31, 2 ** 32, Number.POSITIVE_INFINITY, -1, 1.5]) {
      for (const form of ["closeSync", "fstatSync", "fsyncSync", "ftruncateSync"]) {
        ask(trial, form, descriptor);
      }
    }
  }),
  scenario("a descriptor is closed with a callback or none, not null", ({ at, fs, note, raw }) => {
    const descriptor = raw.openSync(at("a.txt"), "r");
    const close = raw.close as (descriptor: number, callback: unknown) => void;
    for (const callback of [null, 5]) {
      try {
        close(descriptor, callback);
      } catch (error) {
        note("close", error);
      }
    }
    fs.closeSync(descriptor);
  }),
  scenario("promises take no descriptor for a path", async (trial) => {
    const { at, fs, note } = trial;
    const descriptor = fs.openSync(at("a.txt"), "r+");
    const { promises } = trial.raw as unknown as Record<string, Record<string, unknown>>;
    for (const name of ["readFile", "writeFile", "appendFile"]) {
      const call = promises?.[name] as (path: number, data: string) => Promise<unknown>;
      const codeOf = (error: NodeJS.ErrnoException): unknown => error.code;
      note(name, await call(descriptor, "utf8").then(() => "done", codeOf));
    }
    fs.closeSync(descriptor);
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("a negative number of seconds is the present", async (trial) => {
    const { at, fs } = trial;
    for (const time of [-1, -0.5, "-1", new Date(-1500)]) {
      fs.utimesSync(at("a.txt"), time, time);
      fs.statSync(at("a.txt"), { bigint: true });
      await fs.promises.lutimes(at("link"), time, 7);
      fs.lstatSync(at("link"));
    }
    const descriptor = fs.openSync(at("a.txt"), "r");
    for (const time of [-3, "x", undefined]) ask(trial, "futimesSync", descriptor, 5, time);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("rm refuses options that are none", async (trial) => {
    const { at } = trial;
    for (const options of [null, "utf8", 5, { maxRetries: -1 }, { recursive: 1 }]) {
      ask(trial, "rmSync", at("a.txt"), options);
      await ask(trial, "promises.rm", at("a.txt"), options);
    }
  }),
  scenario("a directory that was opened by bytes tells its path in bytes", ({ at, fs, note }) => {
    // With a single entry: their order is the file system's.
    fs.mkdirSync(at("one"));
    fs.writeFileSync(at("one/entry"), "");
    const directory = fs.opendirSync(at("one"));
    note("text", [directory.path, directory.readSync()?.parentPath]);
    directory.closeSync();
    const ofBytes = fs.opendirSync(Buffer.from(at("one")) as unknown as string);
    note("bytes", [ofBytes.path, ofBytes.readSync()?.parentPath]);
    ofBytes.closeSync();
  }),
  scenario("a signal holds until the answer is delivered", async (trial) => {
    const { at, fs, note } = trial;
    for (const name of ["writeFile", "appendFile"] as const) {
      const early = AbortSignal.abort();
      const refused = await answerOf(trial, name, at("b.txt"), "x", { signal: early }, answer);
      note(`${name} refused`, refused);
      fs.readFileSync(at("b.txt"), "utf8");
      for (const isPromise of [true, false]) {
        const controller = new AbortController();
        const { signal } = controller;
        const input = [at("n"), "text", { signal }] as const;
        const outcome = isPromise
          ? ask(trial, `promises.${name}`, ...input)
          : answerOf(trial, name, ...input, answer);
        controller.abort();
        const results = await outcome;
        if (!isPromise) note(`${name} called back`, results);
      }
    }
    fs.unlinkSync(at("n"));
  }),
];
