import { type Scenario, scenario } from "../harness/scenario.ts";

/** Which times move when, and what utimes sets. */
export const times: readonly Scenario[] = [
  scenario("utimes sets seconds, fractions and dates", ({ fs, at, note }) => {
    fs.utimesSync(at("a.txt"), 100, 200);
    fs.statSync(at("a.txt"));
    note("atime", fs.statSync(at("a.txt")).atimeMs);
    fs.utimesSync(at("a.txt"), 100.5, 1_234.567_8);
    note("mtime", fs.statSync(at("a.txt")).mtimeMs);
    fs.utimesSync(at("a.txt"), new Date(86_400_000), new Date("2011-11-11T11:11:11.111Z"));
    fs.statSync(at("a.txt"));
    fs.utimesSync(at("a.txt"), "300", "400");
    fs.statSync(at("a.txt"));
  }),
  scenario("utimes into the past before 1970 and far into the future", ({ fs, at, note }) => {
    fs.utimesSync(at("a.txt"), new Date(-5000), new Date(-10_250));
    note("before", fs.statSync(at("a.txt")).mtimeMs);
    note("before, exactly", fs.statSync(at("a.txt"), { bigint: true }).mtimeNs);
    fs.utimesSync(at("a.txt"), 4e9, 5e9);
    note("after", fs.statSync(at("a.txt")).mtimeMs);
  }),
  scenario("utimes keeps of a fraction what the disk keeps", ({ fs, at, note }) => {
    for (let index = 0; index < 200; index++) {
      // Fractions that a double cannot hold, on both sides of 1970.
      const time = (index % 3 === 0 ? -1 : 1) * (index * 8_999_999.000_007 + index / 1e6);
      fs.utimesSync(at("a.txt"), String(time), String(time));
      note(`of ${time}`, fs.statSync(at("a.txt"), { bigint: true }).mtimeNs);
    }
  }),
  scenario("utimes refuses nonsense", ({ fs, at }) => {
    fs.utimesSync(at("a.txt"), "soon", 1);
    fs.utimesSync(at("a.txt"), Number.NaN, 1);
    fs.utimesSync(at("a.txt"), Number.POSITIVE_INFINITY, 1);
    fs.utimesSync(at("a.txt"), {} as unknown as number, 1);
    fs.utimesSync(at("a.txt"), undefined as unknown as number, 1);
    fs.statSync(at("a.txt"));
  }),
  scenario("utimes errors", ({ fs, at }) => {
    for (const name of ["missing", "dangling", "loop1", "a.txt/x"]) fs.utimesSync(at(name), 1, 1);
    fs.lutimesSync(at("missing"), 1, 1);
    fs.futimesSync(99_999, 1, 1);
  }),
  scenario("utimes of directories and links", ({ fs, at }) => {
    fs.utimesSync(at("d"), 1, 2);
    fs.statSync(at("d"));
    fs.lutimesSync(at("dlink"), 3, 4);
    fs.lstatSync(at("dlink"));
    fs.lutimesSync(at("dangling"), 5, 6);
    fs.lstatSync(at("dangling"));
    fs.utimesSync(at("dlink"), 7, 8);
    fs.statSync(at("d"));
    fs.readdirSync(at("d"));
  }),
  scenario("a write after utimes moves the mtime to now", ({ fs, at }) => {
    fs.utimesSync(at("a.txt"), 1, 2);
    fs.appendFileSync(at("a.txt"), "+");
    fs.statSync(at("a.txt"));
  }),
  scenario("utimes after a write stays", ({ fs, at }) => {
    fs.appendFileSync(at("a.txt"), "+");
    fs.utimesSync(at("a.txt"), 1, 2);
    fs.statSync(at("a.txt"));
    fs.renameSync(at("a.txt"), at("m"));
    fs.statSync(at("m"));
    fs.chmodSync(at("m"), 0o600);
    fs.statSync(at("m"));
  }),
  scenario("set times survive the rename of the directory above", ({ fs, at }) => {
    fs.utimesSync(at("d/x.txt"), 11, 22);
    fs.utimesSync(at("d/sub"), 33, 44);
    fs.renameSync(at("d"), at("m"));
    fs.statSync(at("m/x.txt"));
    fs.statSync(at("m/sub"));
  }),
  scenario("futimes acts on the open file", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.futimesSync(descriptor, 1, 2);
    fs.fstatSync(descriptor);
    fs.writeSync(descriptor, "x");
    fs.fstatSync(descriptor);
    fs.futimesSync(descriptor, 3, 4);
    fs.closeSync(descriptor);
    fs.statSync(at("a.txt"));
  }),
  scenario("closing a file that was only opened moves nothing", ({ fs, at }) => {
    for (const flags of ["r", "r+", "a", "a+"]) fs.closeSync(fs.openSync(at("a.txt"), flags));
    fs.statSync(at("a.txt"));
  }),
  scenario("a write of no bytes moves nothing", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.writeSync(descriptor, "");
    fs.writeSync(descriptor, Buffer.alloc(0), 0, 0, 2);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
    fs.appendFileSync(at("b.txt"), "");
    fs.statSync(at("b.txt"));
  }),
  scenario("opening with O_TRUNC moves times even of an empty file", ({ fs, at }) => {
    fs.closeSync(fs.openSync(at("empty"), "w"));
    fs.statSync(at("empty"));
    fs.closeSync(fs.openSync(at("b.txt"), "w"));
    fs.statSync(at("b.txt"));
  }),
  scenario("ftruncate to the same size moves times, as the kernel has it", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.ftruncateSync(descriptor, 6);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("failed calls move nothing", ({ fs, at }) => {
    fs.writeFileSync(at("d"), "x");
    fs.mkdirSync(at("d"));
    fs.rmdirSync(at("d"));
    fs.linkSync(at("d"), at("x"));
    fs.symlinkSync("t", at("a.txt"));
    fs.unlinkSync(at("e"));
    fs.openSync(at("a.txt"), "wx");
    fs.truncateSync(at("a.txt"), -1);
    fs.statSync(at(""));
    fs.statSync(at("d"));
    fs.statSync(at("a.txt"));
  }),
  scenario("bigint times agree with the others", ({ fs, at, note }) => {
    fs.utimesSync(at("a.txt"), 100.25, 200.75);
    const exact = fs.statSync(at("a.txt"), { bigint: true });
    note("ns", [exact.atimeNs, exact.mtimeNs]);
    note("ms", [exact.atimeMs, exact.mtimeMs]);
    note("date", fs.statSync(at("a.txt")).mtime.toISOString());
  }),
  scenario("birth times are before or at change times", ({ fs, at, note }) => {
    fs.writeFileSync(at("n"), "n");
    const stats = fs.statSync(at("n"), { bigint: true });
    note("born", stats.birthtimeNs > 0n && stats.birthtimeNs <= stats.ctimeNs);
  }),
  scenario("changes move no birth time", ({ fs, at, note }) => {
    for (const name of ["n", "a.txt", "d/sub"]) {
      if (name === "n") fs.writeFileSync(at(name), "n");
      const born = fs.statSync(at(name), { bigint: true }).birthtimeNs;
      fs.chmodSync(at(name), 0o700);
      const exact = fs.statSync(at(name), { bigint: true });
      const { birthtimeMs, ctimeMs } = fs.statSync(at(name));
      note(`${name} born`, [exact.birthtimeNs === born, exact.ctimeNs > born]);
      note(`${name} born, in milliseconds`, birthtimeMs < ctimeMs);
    }
  }),
  scenario("a new file is as young as its directory's change", ({ fs, at, note }) => {
    fs.writeFileSync(at("e/n"), "n");
    const parent = fs.statSync(at("e")).mtimeMs;
    note("close", Math.abs(fs.statSync(at("e/n")).mtimeMs - parent) < 1000);
  }),
  scenario("copies keep times only when asked to", ({ fs, at }) => {
    // With a filter, or some releases lose the modes of directories.
    const filter = () => true;
    fs.cpSync(at("d"), at("c1"), { recursive: true, filter });
    fs.statSync(at("c1/x.txt"));
    fs.cpSync(at("d"), at("c2"), { recursive: true, preserveTimestamps: true, filter });
    fs.statSync(at("c2/x.txt"));
    fs.copyFileSync(at("a.txt"), at("c3"));
    fs.statSync(at("c3"));
  }),
  scenario("times by promise, by callback and by handle", async ({ fs, at, callback }) => {
    await fs.promises.utimes(at("a.txt"), 1, 2);
    await callback("utimes", at("b.txt"), 3, 4);
    await fs.promises.lutimes(at("link"), 5, 6);
    await callback("lutimes", at("dlink"), 7, 8);
    const handle = await fs.promises.open(at("run.sh"), "r");
    await handle.utimes(9, 10);
    await handle.stat();
    await handle.close();
    for (const name of ["a.txt", "b.txt", "run.sh"]) fs.statSync(at(name));
    fs.lstatSync(at("link"));
    fs.lstatSync(at("dlink"));
    await fs.promises.utimes(at("missing"), 1, 2);
    await callback("lutimes", at("missing"), 1, 2);
  }),
];
