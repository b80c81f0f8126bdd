import { type Scenario, scenario } from "../harness/scenario.ts";

/** Making, removing and listing directories. */
export const directories: readonly Scenario[] = [
  scenario("a Dir refuses synchronous calls while it reads", async ({ raw, at, note }) => {
    for (let index = 0; index < 5; index++) raw.writeFileSync(at(`d/more${index}`), "");
    for (const bufferSize of [2, 32]) {
      const dir = raw.opendirSync(at("d"), { bufferSize });
      const outcomeOf = (run: () => unknown) => {
        try {
          return run() === null ? "end" : "done";
        } catch (error) {
          return error;
        }
      };
      const reads: Promise<unknown>[] = [];
      for (let round = 0; round < 4; round++) {
        reads.push(dir.read());
        note(
          "read at once",
          outcomeOf(() => dir.readSync()),
        );
        await reads.at(-1);
        note(
          "read after",
          outcomeOf(() => dir.readSync()),
        );
      }
      const last = dir.read();
      note(
        "close at once",
        outcomeOf(() => dir.closeSync() ?? true),
      );
      await last;
      await dir.close().catch(() => undefined);
    }
  }),
  scenario("mkdir makes an empty directory", ({ fs, at }) => {
    fs.mkdirSync(at("n"));
    fs.readdirSync(at("n"));
    fs.statSync(at("n"));
    fs.statSync(at(""));
  }),
  scenario("mkdir honours mode and umask", ({ fs, at }) => {
    fs.mkdirSync(at("m1"), 0o700);
    fs.mkdirSync(at("m2"), { mode: 0o777 });
    fs.mkdirSync(at("m3"), "750");
    fs.mkdirSync(at("m4"), { mode: 0o1777 });
    for (const name of ["m1", "m2", "m3", "m4"]) fs.statSync(at(name));
  }),
  scenario("mkdir over anything that exists is EEXIST", ({ fs, at }) => {
    for (const name of ["a.txt", "d", "link", "dlink", "dangling", "loop1", "e"]) {
      fs.mkdirSync(at(name));
    }
    fs.mkdirSync(at("d/"));
    fs.mkdirSync(at(""));
    fs.mkdirSync(at("."));
  }),
  scenario("mkdir with a slash at the end", ({ fs, at }) => {
    fs.mkdirSync(at("n/"));
    fs.mkdirSync(at("m///"));
    fs.mkdirSync(at("dangling/"));
    fs.readdirSync(at(""));
  }),
  scenario("mkdir below what is missing, a file or a loop", ({ fs, at }) => {
    fs.mkdirSync(at("missing/n"));
    fs.mkdirSync(at("a.txt/n"));
    fs.mkdirSync(at("loop1/n"));
    fs.mkdirSync(at("dangling/n"));
  }),
  scenario("mkdir through a symlinked directory lands at its target", ({ fs, at }) => {
    fs.mkdirSync(at("dlink/n"));
    fs.readdirSync(at("d"));
    fs.lstatSync(at("dlink"));
  }),
  scenario("recursive mkdir answers with the first directory it made", ({ fs, at }) => {
    fs.mkdirSync(at("p/q/r"), { recursive: true });
    fs.mkdirSync(at("p/q/r"), { recursive: true });
    fs.mkdirSync(at("d/sub/n/m"), { recursive: true });
    fs.mkdirSync(at("d"), { recursive: true });
    fs.mkdirSync(at("dlink/z/y"), { recursive: true });
  }),
  scenario("recursive mkdir over files and links", ({ fs, at }) => {
    fs.mkdirSync(at("a.txt"), { recursive: true });
    fs.mkdirSync(at("a.txt/n"), { recursive: true });
    fs.mkdirSync(at("a.txt/n/m"), { recursive: true });
    fs.mkdirSync(at("link"), { recursive: true });
    fs.mkdirSync(at("dlink"), { recursive: true });
    fs.mkdirSync(at("dangling"), { recursive: true });
    fs.mkdirSync(at("loop1/x"), { recursive: true });
  }),
  scenario("recursive mkdir gives its mode to every directory it makes", ({ fs, at }) => {
    fs.mkdirSync(at("p/q"), { recursive: true, mode: 0o700 });
    fs.statSync(at("p"));
    fs.statSync(at("p/q"));
  }),
  scenario("recursive mkdir with dots in the path", ({ fs, at }) => {
    fs.mkdirSync(at("p/./q/../r"), { recursive: true });
    fs.mkdirSync(at("d/../e/n/"), { recursive: true });
  }),
  scenario("mkdir options of wrong types", ({ fs, at }) => {
    fs.mkdirSync(at("n"), { mode: "rwx" });
    fs.mkdirSync(at("n"), { recursive: "yes" as unknown as boolean });
    fs.mkdirSync(at("n"), { mode: -1 });
  }),
  scenario("rmdir removes only empty directories", ({ fs, at }) => {
    fs.rmdirSync(at("e"));
    fs.rmdirSync(at("d"));
    fs.rmdirSync(at("a.txt"));
    fs.rmdirSync(at("missing"));
    fs.rmdirSync(at("dlink"));
    fs.rmdirSync(at("dangling"));
    fs.rmdirSync(at("d/sub/deeper/leaf/x"));
    fs.readdirSync(at(""));
  }),
  scenario("rmdir of a lower directory emptied in the overlay", ({ fs, at }) => {
    fs.unlinkSync(at("d/sub/deeper/leaf"));
    fs.rmdirSync(at("d/sub/deeper"));
    fs.unlinkSync(at("d/sub/deep.txt"));
    fs.rmdirSync(at("d/sub"));
    fs.readdirSync(at("d"));
    fs.statSync(at("d"));
    fs.existsSync(at("d/sub/deeper/leaf"));
  }),
  scenario("rmdir of a lower directory whose children moved away", ({ fs, at }) => {
    fs.renameSync(at("d/sub/deeper"), at("deeper"));
    fs.renameSync(at("d/sub/deep.txt"), at("deep.txt"));
    fs.rmdirSync(at("d/sub"));
    fs.readdirSync(at("deeper"));
    fs.readFileSync(at("deep.txt"), "utf8");
  }),
  scenario("rmdir with dots and slashes at the end", ({ fs, at }) => {
    fs.rmdirSync(at("e/"));
    fs.rmdirSync(at("d/sub/deeper/."));
    fs.rmdirSync(at("d/sub/.."));
    fs.rmdirSync(at("e/./"));
  }),
  scenario("a directory made again after removal is empty", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.mkdirSync(at("d"));
    fs.readdirSync(at("d"));
    fs.existsSync(at("d/x.txt"));
    fs.statSync(at("d/sub"));
    fs.writeFileSync(at("d/x.txt"), "new");
    fs.readdirSync(at("d"));
    fs.readFileSync(at("d/x.txt"), "utf8");
  }),
  scenario("a directory made again takes new mode and times", ({ fs, at, note }) => {
    const before = fs.statSync(at("e")).ino;
    fs.rmdirSync(at("e"));
    fs.mkdirSync(at("e"), 0o700);
    fs.statSync(at("e"));
    note("inode is a number", typeof before);
  }),
  scenario("deep trees removed and made again stay empty below", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.mkdirSync(at("d/sub/deeper"), { recursive: true });
    fs.readdirSync(at("d/sub/deeper"));
    fs.readdirSync(at("d/sub"));
    fs.readdirSync(at("d"));
  }),
  scenario("files in a removed directory are not there", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.readFileSync(at("d/x.txt"));
    fs.writeFileSync(at("d/x.txt"), "x");
    fs.mkdirSync(at("d/n"));
    fs.readdirSync(at("d"));
    fs.statSync(at("abs"));
    fs.readdirSync(at("dlink"));
  }),
  scenario(
    "changes in a directory move its times, reads and changes of content do not",
    ({ fs, at }) => {
      fs.writeFileSync(at("d/x.txt"), "changed");
      fs.statSync(at("d"));
      fs.chmodSync(at("d/y.txt"), 0o600);
      fs.statSync(at("d"));
      fs.writeFileSync(at("d/sub/n"), "new");
      fs.statSync(at("d"));
      fs.statSync(at("d/sub"));
    },
  ),
  scenario(
    "unlink, mkdir, rmdir, link, symlink and rename each move the parent's times",
    ({ fs, at }) => {
      for (const name of ["1", "2", "3", "4", "5", "6"]) {
        fs.mkdirSync(at(`p${name}`));
        fs.writeFileSync(at(`p${name}/f`), "");
        fs.mkdirSync(at(`p${name}/g`));
        fs.utimesSync(at(`p${name}`), 1, 1);
      }
      fs.unlinkSync(at("p1/f"));
      fs.rmdirSync(at("p2/g"));
      fs.mkdirSync(at("p3/n"));
      fs.linkSync(at("p4/f"), at("p4/h"));
      fs.symlinkSync("f", at("p5/s"));
      fs.renameSync(at("p6/f"), at("p6/r"));
      for (const name of ["1", "2", "3", "4", "5", "6"]) fs.statSync(at(`p${name}`));
    },
  ),
  scenario("link counts of directories follow their subdirectories", ({ fs, at }) => {
    fs.statSync(at("d"));
    fs.mkdirSync(at("d/n"));
    fs.statSync(at("d"));
    fs.rmdirSync(at("d/n"));
    fs.statSync(at("d"));
    fs.renameSync(at("d/sub"), at("sub"));
    fs.statSync(at("d"));
    fs.statSync(at(""));
    fs.renameSync(at("e"), at("d/e"));
    fs.statSync(at("d"));
  }),
  scenario("readdir merges lower and new names and hides removed ones", ({ fs, at }) => {
    fs.writeFileSync(at("d/n.txt"), "");
    fs.unlinkSync(at("d/x.txt"));
    fs.mkdirSync(at("d/nd"));
    fs.symlinkSync("y.txt", at("d/nl"));
    fs.readdirSync(at("d"));
    fs.readdirSync(at("d"), { withFileTypes: true });
  }),
  scenario("readdir in every form", ({ fs, at }) => {
    fs.readdirSync(at("d"), "utf8");
    fs.readdirSync(at("d"), "buffer");
    fs.readdirSync(at("d"), { encoding: "hex" as BufferEncoding });
    fs.readdirSync(at("d"), { encoding: "buffer", withFileTypes: true });
    fs.readdirSync(at("d/"), { withFileTypes: true });
    fs.readdirSync(Buffer.from(at("d")), { withFileTypes: true });
    // Node asks only whether it is true at all.
    for (const withFileTypes of [1, 0, "no", null] as unknown as true[]) {
      fs.readdirSync(at("d"), { withFileTypes });
      fs.readdirSync(at("d"), { recursive: true, withFileTypes });
    }
  }),
  scenario("readdir recursive lists the merged tree", ({ fs, at }) => {
    fs.readdirSync(at(""), { recursive: true, withFileTypes: true });
    fs.mkdirSync(at("d/sub/n"));
    fs.writeFileSync(at("d/sub/n/f"), "");
    fs.unlinkSync(at("d/sub/deeper/leaf"));
    fs.rmSync(at("d/x.txt"));
    fs.readdirSync(at("d"), { recursive: true });
    fs.readdirSync(at("d"), { recursive: true, withFileTypes: true });
  }),
  // Which forms enter links to directories differs from release to release.
  scenario("readdir recursive meets links to directories", async ({ fs, at, callback }) => {
    fs.symlinkSync("sub", at("d/side"));
    fs.symlinkSync("../e", at("d/sub/away"));
    fs.writeFileSync(at("e/in"), "");
    const types = { recursive: true, withFileTypes: true } as const;
    fs.readdirSync(at("d"), types);
    fs.readdirSync(at("d"), { recursive: true });
    await fs.promises.readdir(at("d"), types);
    await fs.promises.readdir(at("d"), { recursive: true });
    await callback("readdir", at("d"), types);
    await callback("readdir", at("d"), { recursive: true });
    fs.opendirSync(at("d"), { recursive: true })?.closeSync();
  }),
  scenario("readdir of what is no directory", ({ fs, at }) => {
    for (const name of ["a.txt", "missing", "link", "dangling", "loop1", "a.txt/x", "missing/x"]) {
      fs.readdirSync(at(name));
      fs.readdirSync(at(name), { withFileTypes: true });
      fs.readdirSync(at(name), { recursive: true });
    }
    fs.readdirSync("");
  }),
  scenario("readdir through links lists the target", ({ fs, at }) => {
    fs.readdirSync(at("dlink"));
    fs.readdirSync(at("dlink/sub"), { withFileTypes: true });
    fs.symlinkSync("dlink", at("dlink2"));
    fs.readdirSync(at("dlink2"));
  }),
  scenario("readdir of the root with everything changed", ({ fs, at }) => {
    for (const name of fs.readdirSync(at(""))) fs.renameSync(at(name), at(`r-${name}`));
    fs.readdirSync(at(""), { withFileTypes: true });
  }),
  scenario("readdir with unknown options", ({ fs, at }) => {
    fs.readdirSync(at("d"), { encoding: "nonsense" as BufferEncoding });
    fs.readdirSync(at("d"), { recursive: "yes" as unknown as boolean });
    fs.readdirSync(at("d"), 5 as unknown as BufferEncoding);
  }),
  scenario("opendir yields every entry once", ({ fs, at, note }) => {
    fs.writeFileSync(at("d/n.txt"), "");
    fs.unlinkSync(at("d/x.txt"));
    const dir = fs.opendirSync(at("d"), { bufferSize: 1 });
    const seen: string[] = [];
    for (let entry = dirRead(dir); entry; entry = dirRead(dir)) seen.push(entry.name);
    note("entries", seen.sort());
    note("path", dir.path);
    dir.closeSync();
    dir.closeSync();
    dir.readSync();
    function dirRead(open: import("node:fs").Dir) {
      const entry = rawOf(open).readSync();
      return entry;
    }
  }),
  scenario("opendir by promise iterates and closes itself", async ({ fs, at, note }) => {
    const dir = await fs.promises.opendir(at("d"));
    const seen: string[] = [];
    for await (const entry of dir) seen.push(`${entry.name} ${entry.isDirectory()}`);
    note("entries", seen.sort());
    await dir.close();
  }),
  scenario("opendir recursive walks the merged tree", async ({ fs, at, note }) => {
    fs.writeFileSync(at("d/sub/n.txt"), "");
    const dir = await fs.promises.opendir(at("d"), { recursive: true });
    const seen: string[] = [];
    for await (const entry of dir)
      seen.push(`${entry.parentPath.slice(at("").length)}/${entry.name}`);
    note("entries", seen.sort());
  }),
  scenario("a directory that holds nothing but one new thing is not empty", ({ fs, at }) => {
    for (const name of ["link", "directory", "file"]) {
      fs.mkdirSync(at(name));
      const path = at(`${name}/x`);
      if (name === "link") fs.symlinkSync("nowhere", path);
      else if (name === "directory") fs.mkdirSync(path);
      else fs.writeFileSync(path, "");
      fs.rmdirSync(at(name));
      fs.renameSync(at("e"), at(name));
      fs.readdirSync(at(name));
    }
  }),
  scenario("mkdir takes of the special bits the sticky one alone", ({ fs, at }) => {
    for (const mode of [0o1755, 0o2755, 0o4755, 0o7777]) {
      const path = at(`m${mode.toString(8)}`);
      fs.mkdirSync(path, { mode });
      fs.statSync(path);
      fs.mkdirSync(at(`r${mode.toString(8)}/s`), { mode, recursive: true });
      fs.statSync(at(`r${mode.toString(8)}/s`));
    }
  }),
  scenario("opendir of what is no directory", ({ fs, at }) => {
    for (const name of ["a.txt", "missing", "dangling", "loop1", "a.txt/x"])
      fs.opendirSync(at(name));
    fs.opendirSync(at("d"), { bufferSize: 0 });
    fs.opendirSync(at("d"), { encoding: "nonsense" as BufferEncoding });
  }),
  scenario("opendir in callback form", async ({ fs, at, note }) => {
    const dir = (await new Promise((resolve) => {
      fs.opendir(at("d/sub"), (_, opened) => resolve(opened));
    })) as import("node:fs").Dir;
    const seen: (string | undefined)[] = [];
    for (;;) {
      const entry = await rawOf(dir).read();
      if (!entry) break;
      seen.push(entry.name);
    }
    note("entries", seen.sort());
    await dir.close();
    await dir.close();
  }),
  scenario("a directory removed while it is open ends quietly", ({ fs, at }) => {
    const dir = fs.opendirSync(at("e"));
    fs.rmdirSync(at("e"));
    dir.readSync();
    dir.closeSync();
  }),
  scenario("entries removed while listing are not invented", ({ fs, at, note }) => {
    const names = fs.readdirSync(at("d"));
    for (const name of names) fs.rmSync(at(`d/${name}`), { recursive: true });
    note("left", fs.readdirSync(at("d")).length);
    fs.rmdirSync(at("d"));
  }),
  scenario("a directory with three hundred entries", ({ fs, at, note }) => {
    for (let index = 0; index < 300; index++) fs.writeFileSync(at(`d/f${index}`), "");
    for (let index = 0; index < 300; index += 3) fs.unlinkSync(at(`d/f${index}`));
    note("count", fs.readdirSync(at("d")).length);
  }),
  scenario("the root can not be renamed into itself", ({ fs, at }) => {
    fs.renameSync(at(""), at("inside"));
    fs.renameSync(at(""), at("d/inside"));
  }),
  scenario("the root is a directory like any other", ({ fs, at }) => {
    fs.statSync(at(""));
    fs.statSync(at("/"));
    fs.statSync(at("."));
    fs.statSync(at("d/.."));
    fs.accessSync(at(""));
    fs.realpathSync(at("/"));
    fs.readdirSync(at("d/../."));
    fs.readFileSync(at(""));
  }),
  scenario("a slash after the root is one after a name", ({ fs, at }) => {
    for (const name of ["", "/", "//", "d/..", "d/../", "."]) {
      fs.openSync(at(name), "wx");
      fs.openSync(at(name), "w");
      fs.copyFileSync(at("a.txt"), at(name), fs.constants.COPYFILE_EXCL);
      fs.renameSync(at("a.txt"), at(name));
      fs.renameSync(at("missing"), at(name));
    }
  }),
  scenario("what mkdir -p fails on is named by the later forms", async ({ fs, at, callback }) => {
    const recursive = { recursive: true };
    for (const name of [
      ...[
        "a.txt/x/y",
        "a.txt//x//",
        "dangling/x/y",
        "dangling/",
        "dangling",
        "loop1/x/y",
        "link/x",
      ],
      ...["link", "d/../a.txt//", "d/../dangling//x", "dlink/sub/n/m"],
    ]) {
      await fs.promises.mkdir(at(name), recursive);
      await callback("mkdir", at(name), recursive);
      fs.mkdirSync(at(name), recursive);
    }
  }),
];

/** Reads without a note each: the order of entries is not promised. */
function rawOf(dir: import("node:fs").Dir): import("node:fs").Dir {
  return (dir as { readonly unrecorded?: import("node:fs").Dir }).unrecorded ?? dir;
}
