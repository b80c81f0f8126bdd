import { conform } from "../conformance/harness/conform.ts";
import { type Scenario, scenario } from "../conformance/harness/scenario.ts";
import { directory, file, hardlink, standardSeed, symlink } from "../conformance/harness/seed.ts";

/**
 * What other overlays and in-memory file systems got wrong, each with the thread that tells of it
 * (or, where there is none, the version in which it was seen). The real file system is the judge.
 */
const unionfs: readonly Scenario[] = [
  scenario("streamich/unionfs#425: removals, renames and modes stay above", ({ fs, at }) => {
    fs.unlinkSync(at("a.txt"));
    fs.renameSync(at("b.txt"), at("c.txt"));
    fs.chmodSync(at("run.sh"), 0o600);
    fs.truncateSync(at("d/x.txt"), 1);
    fs.rmSync(at("d/sub"), { recursive: true });
    fs.symlinkSync("a", at("s"));
    fs.linkSync(at("run.sh"), at("l"));
    fs.utimesSync(at("run.sh"), 1, 2);
    fs.rmdirSync(at("e"));
  }),
  scenario(
    "streamich/unionfs#425: a write below a directory that only the lower has",
    ({ fs, at }) => {
      fs.writeFileSync(at("d/sub/deeper/new"), "new");
      fs.mkdirSync(at("d/sub/deeper/newd"));
      fs.readdirSync(at("d/sub/deeper"));
    },
  ),
  scenario("unionfs 4.6.0: an append to a lower file keeps what it held", ({ fs, at }) => {
    fs.appendFileSync(at("a.txt"), "+");
    fs.appendFileSync(at("d/x.txt"), "+");
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("streamich/unionfs#384: streams take their options", async ({ at, read, write }) => {
    await read(at("b.txt"), { start: 2, end: 4 });
    await write(at("b.txt"), ["+"], { flags: "a" });
    await read(at("b.txt"));
  }),
  scenario(
    "streamich/unionfs#428: a stream of a missing file fails as a stream",
    async ({ at, read }) => {
      await read(at("missing"));
    },
  ),
  scenario("unionfs 4.6.0: promises.rm, cp and statfs exist", async ({ fs, at }) => {
    await fs.promises.rm(at("d/sub"), { recursive: true });
    await fs.promises.cp(at("d/y.txt"), at("copy"));
    await fs.promises.statfs(at(""));
  }),
];

const zenfs: readonly Scenario[] = [
  scenario("zenfs 2.7.6: old names below a renamed directory are gone", ({ fs, at }) => {
    fs.renameSync(at("d"), at("moved"));
    fs.existsSync(at("d/x.txt"));
    fs.readFileSync(at("d/sub/deep.txt"));
    fs.mkdirSync(at("d"));
    fs.readdirSync(at("d"));
  }),
  scenario("zenfs 2.7.6: a child deleted before the rename is not resurrected", ({ fs, at }) => {
    fs.unlinkSync(at("d/x.txt"));
    fs.renameSync(at("d"), at("moved"));
    fs.readdirSync(at("moved"));
  }),
  scenario(
    "zenfs 2.7.6: names with spaces in the list of deletions",
    ({ fs, at }) => {
      fs.unlinkSync(at("sp ace.txt"));
      fs.readdirSync(at(""));
      fs.existsSync(at("sp"));
      fs.existsSync(at("ace.txt"));
    },
    { seed: { "sp ace.txt": "1", sp: "2", "ace.txt": "3" } },
  ),
  scenario("zenfs 2.7.6: creating in a lower sub-directory works", ({ fs, at }) => {
    fs.writeFileSync(at("d/sub/new"), "new");
    fs.mkdirSync(at("d/sub/newd"));
  }),
  scenario("zenfs 2.7.6: a loop of links ends", ({ fs, at }) => {
    fs.statSync(at("loop1"));
    fs.readFileSync(at("loop1/x"));
  }),
  scenario("zenfs 2.7.6: a directory over a non-empty one is refused", ({ fs, at }) => {
    fs.renameSync(at("e"), at("d"));
    fs.writeFileSync(at("d"), "x");
  }),
  scenario("zenfs 2.7.6: an open file survives its unlink", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r+");
    fs.unlinkSync(at("a.txt"));
    fs.writeSync(descriptor, "x");
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("zen-fs/core#175: ranges of a stream over the lower", async ({ at, read }) => {
    await read(at("b.txt"), { start: 1, end: 3 });
  }),
  scenario("zen-fs/core#298: concurrent creations lose no entry", async ({ fs, raw, at }) => {
    const write = (index: number) => raw.promises.writeFile(at(`d/n${index}`), "n");
    await Promise.all(Array.from({ length: 40 }, (_, index) => write(index)));
    fs.readdirSync(at("d"));
  }),
  scenario("zenfs 2.7.6: bigint stats are bigints", ({ fs, at }) => {
    fs.statSync(at("a.txt"), { bigint: true });
  }),
];

const justBash: readonly Scenario[] = [
  scenario("just-bash 3.4.2: overwriting, copying and renaming keep the mode", ({ fs, at }) => {
    fs.writeFileSync(at("run.sh"), "new");
    fs.copyFileSync(at("run.sh"), at("copy.sh"));
    fs.renameSync(at("run.sh"), at("moved.sh"));
    for (const name of ["copy.sh", "moved.sh"]) fs.statSync(at(name));
  }),
  scenario("just-bash 3.4.2: a write through a link keeps the link", ({ fs, at }) => {
    fs.writeFileSync(at("link"), "through");
    fs.lstatSync(at("link"));
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("just-bash 3.4.2: a lower link shows what its target became", ({ fs, at }) => {
    fs.writeFileSync(at("a.txt"), "new");
    fs.readFileSync(at("link"), "utf8");
    fs.unlinkSync(at("a.txt"));
    fs.readFileSync(at("link"), "utf8");
  }),
  scenario(
    "just-bash 3.4.2: a write through a linked directory lands at its target",
    ({ fs, at }) => {
      fs.writeFileSync(at("dlink/n"), "n");
      fs.unlinkSync(at("dlink/x.txt"));
      fs.readdirSync(at("d"));
    },
  ),
  scenario("vercel-labs/just-bash#368: hard links share their content", ({ fs, at }) => {
    fs.linkSync(at("a.txt"), at("al"));
    fs.appendFileSync(at("al"), "+");
    fs.readFileSync(at("a.txt"), "utf8");
    fs.statSync(at("a.txt"));
  }),
  scenario("just-bash 3.4.2: missing parents are an error, not made", ({ fs, at }) => {
    fs.writeFileSync(at("no/such/file"), "x");
    fs.renameSync(at("a.txt"), at("no/such"));
    fs.existsSync(at("no"));
  }),
];

const memfs: readonly Scenario[] = [
  scenario("memfs 4.80.1: a rename onto a non-empty directory destroys nothing", ({ fs, at }) => {
    fs.renameSync(at("e"), at("d"));
    fs.renameSync(at("a.txt"), at("d"));
    fs.readdirSync(at("d"));
  }),
  scenario("memfs 4.80.1: a rename of a directory into itself loses nothing", ({ fs, at }) => {
    fs.renameSync(at("d"), at("d/sub/d"));
    fs.readdirSync(at("d"));
  }),
  scenario("memfs 4.80.1: a rename between names of one inode keeps both", ({ fs, at }) => {
    fs.renameSync(at("h1"), at("h2"));
    fs.readdirSync(at(""));
  }),
  scenario("streamich/memfs#1090: start and end of a read stream", async ({ fs, at, read }) => {
    fs.writeFileSync(at("n"), "0123456789");
    await read(at("n"), { end: 3 });
    await read(at("n"), { start: 4, end: 5 });
  }),
  scenario("memfs 4.80.1: writeFile of an iterable writes what it yields", async ({ fs, at }) => {
    await fs.promises.writeFile(
      at("n"),
      (async function* () {
        yield "one";
        yield "two";
      })(),
    );
    fs.readFileSync(at("n"), "utf8");
  }),
  scenario("streamich/memfs#1009: modes and umask", ({ fs, at }) => {
    fs.writeFileSync(at("n"), "n");
    fs.mkdirSync(at("nd"));
    fs.statSync(at("n"));
    fs.chmodSync(at("n"), 0o000);
    fs.readFileSync(at("n"));
  }),
  scenario("memfs 4.80.1: mkdir -p over a file, and what it returns", ({ fs, at }) => {
    fs.mkdirSync(at("a.txt/x"), { recursive: true });
    fs.mkdirSync(at("p/q"), { recursive: true });
    fs.mkdirSync(at("dlink/q"), { recursive: true });
  }),
  scenario("memfs 4.80.1: dot-dot after a link climbs from its target", ({ fs, at }) => {
    fs.symlinkSync("d/sub", at("s"));
    fs.readFileSync(at("s/../x.txt"), "utf8");
  }),
  scenario("memfs 4.80.1: names of 256 bytes are too long, an empty path is none", ({ fs, at }) => {
    fs.writeFileSync(at("n".repeat(256)), "x");
    fs.statSync("");
  }),
  scenario("memfs 4.80.1: throwIfNoEntry below a file", ({ fs, at }) => {
    fs.statSync(at("a.txt/x"), { throwIfNoEntry: false });
  }),
  scenario(
    "streamich/memfs#735: stats, entries and directories are of Node's own classes",
    ({ fs, at, note }) => {
      note("stats", fs.statSync(at("a.txt")) instanceof fs.Stats);
      note("entries", fs.readdirSync(at("d"), { withFileTypes: true })[0] instanceof fs.Dirent);
    },
  ),
];

const agentfs: readonly Scenario[] = [
  scenario("tursodatabase/agentfs#174: a positional write to a nested lower file", ({ fs, at }) => {
    const descriptor = fs.openSync(at("d/sub/deeper/leaf"), "r+");
    fs.writeSync(descriptor, "AF", 2);
    fs.closeSync(descriptor);
    fs.readFileSync(at("d/sub/deeper/leaf"), "utf8");
  }),
  scenario("tursodatabase/agentfs#203: the inode is the same after copy-up", ({ fs, at, note }) => {
    const before = ["a.txt", "d", "link"].map((name) => fs.lstatSync(at(name)).ino);
    fs.appendFileSync(at("a.txt"), "+");
    fs.chmodSync(at("d"), 0o700);
    fs.lutimesSync(at("link"), 1, 2);
    const after = ["a.txt", "d", "link"].map((name) => fs.lstatSync(at(name)).ino);
    note(
      "same",
      before.every((ino, index) => ino === after[index]),
    );
  }),
  scenario("AgentFS 0.6.4: new files in lower directories are listed and removed", ({ fs, at }) => {
    fs.writeFileSync(at("d/sub/n"), "n");
    fs.readdirSync(at("d/sub"));
    fs.unlinkSync(at("d/sub/n"));
    fs.readdirSync(at("d/sub"));
  }),
  scenario(
    "AgentFS 0.6.4: copy-up keeps setuid, setgid and sticky bits",
    ({ fs, at }) => {
      fs.utimesSync(at("suid"), 1, 2);
      fs.statSync(at("suid"));
      fs.writeFileSync(at("tmp/n"), "");
      fs.statSync(at("tmp"));
    },
    { seed: { suid: file("s", 0o4755), tmp: directory(0o1777) } },
  ),
];

const kernelAndFuse: readonly Scenario[] = [
  scenario(
    "containers/fuse-overlayfs#354: a rename over a deleted name hides the lower",
    ({ fs, at }) => {
      fs.unlinkSync(at("b.txt"));
      fs.renameSync(at("a.txt"), at("b.txt"));
      fs.unlinkSync(at("b.txt"));
      fs.readdirSync(at(""));
      fs.existsSync(at("b.txt"));
    },
  ),
  scenario("containers/fuse-overlayfs#425: a directory over a deleted directory", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.renameSync(at("e"), at("d"));
    fs.readdirSync(at("d"));
  }),
  scenario("opencontainers/image-spec#171: a directory made again is opaque", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.mkdirSync(at("d/sub"), { recursive: true });
    fs.readdirSync(at("d"), { recursive: true });
  }),
  scenario(
    "binpash/try#163: what lay in a directory that was made again stays away",
    ({ fs, at }) => {
      fs.rmSync(at("d/sub"), { recursive: true });
      fs.mkdirSync(at("d/sub"));
      fs.renameSync(at("d"), at("m"));
      fs.readdirSync(at("m/sub"));
    },
  ),
  scenario(
    "microsoft/litebox#1195: copy-up does not make a read-only file writable",
    ({ fs, at }) => {
      fs.writeFileSync(at("ro"), "x");
      fs.openSync(at("ro"), "r+");
      fs.utimesSync(at("ro"), 1, 2);
      fs.writeFileSync(at("ro"), "x");
      fs.statSync(at("ro"));
    },
    {
      seed: { ro: file("read only", 0o444) },
      uid: 31_415,
      skip: { memfs: "memfs checks modes against root, whoever runs it" },
    },
  ),
  scenario("spf13/afero: removing and renaming what only the lower has", ({ fs, at }) => {
    fs.unlinkSync(at("a.txt"));
    fs.renameSync(at("d"), at("m"));
    fs.readdirSync(at("m"));
  }),
  scenario(
    "astrid-runtime/astrid#442: deletions of lower files show in every listing",
    ({ fs, at }) => {
      fs.rmSync(at("d/sub/deep.txt"));
      fs.readdirSync(at("d"), { recursive: true });
      fs.existsSync(at("dlink/sub/deep.txt"));
    },
  ),
];

const generators: readonly Scenario[] = [
  scenario("nrwl/nx#5680: a renamed script stays executable", ({ fs, at }) => {
    fs.renameSync(at("run.sh"), at("d/run.sh"));
    fs.statSync(at("d/run.sh"));
  }),
  scenario("nx 24: what lies below a deleted directory does not exist", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.existsSync(at("d/x.txt"));
    fs.existsSync(at("d/sub/deep.txt"));
  }),
  scenario("angular/devkit#491: rename, then create the old name", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("b2.txt"));
    fs.writeFileSync(at("a.txt"), "second");
    fs.readFileSync(at("b2.txt"), "utf8");
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario(
    "angular/angular-cli#12130: emptied and empty directories are directories",
    ({ fs, at }) => {
      fs.unlinkSync(at("p/only"));
      fs.readdirSync(at("p"));
      fs.renameSync(at("p"), at("q"));
      fs.statSync(at("q"));
      fs.rmdirSync(at("q"));
    },
    { seed: { p: directory(), "p/only": "x" } },
  ),
  scenario("topcheer/ggcode#1359: an atomic save of a linked file, done right", ({ fs, at }) => {
    const target = fs.realpathSync(at("link"));
    fs.writeFileSync(`${target}.tmp`, "saved");
    fs.renameSync(`${target}.tmp`, target);
    fs.lstatSync(at("link"));
    fs.readFileSync(at("link"), "utf8");
  }),
  scenario(
    "mrclrchtr/supi#251: what was not touched is not touched",
    ({ fs, at }) => {
      fs.writeFileSync(at("a.txt"), "changed");
      fs.rmSync(at("n"), { force: true });
      fs.readdirSync(at(""), { recursive: true, withFileTypes: true });
    },
    {
      seed: { ...standardSeed, other: "kept", otherl: symlink("other"), otherh: hardlink("other") },
    },
  ),
];

/** Asked for, or broken and mended, in threads about what overlays and memory file systems lack. */
const wanted: readonly Scenario[] = [
  scenario(
    "streamich/memfs#967, platformatic/vfs#4, #10: readdir lists trees, with types and parents",
    ({ fs, at }) => {
      fs.writeFileSync(at("d/sub/new"), "");
      fs.unlinkSync(at("d/x.txt"));
      fs.readdirSync(at(""), { recursive: true });
      fs.readdirSync(at(""), { recursive: true, withFileTypes: true });
    },
  ),
  scenario("streamich/memfs#325: making the root again makes nothing else", ({ fs, at }) => {
    fs.mkdirSync(at(""));
    fs.mkdirSync(at("d//new//"));
    fs.mkdirSync(at(""), { recursive: true });
    fs.readdirSync(at(""));
  }),
  scenario("streamich/memfs#1116: realpath.native resolves too", async ({ fs, at }) => {
    fs.realpathSync.native(at("dlink/sub"));
    fs.realpathSync.native(at("dangling"));
    await fs.promises.realpath(at("chain"));
  }),
  scenario(
    "streamich/memfs#1211: a file grown by many small appends is whole",
    ({ raw, at, note }) => {
      for (let index = 0; index < 2000; index++) raw.appendFileSync(at("a.txt"), `${index},`);
      note("content", raw.readFileSync(at("a.txt")));
    },
  ),
  scenario("zen-fs/core#256: concurrent removals and creations agree", async ({ fs, raw, at }) => {
    const names = Array.from({ length: 20 }, (_, index) => at(`d/c${index}`));
    await Promise.all(names.map((name) => raw.promises.writeFile(name, "")));
    await Promise.all([
      ...names.slice(0, 10).map((name) => raw.promises.unlink(name)),
      ...names.slice(10).map((name) => raw.promises.rename(name, `${name}-moved`)),
      raw.promises.mkdir(at("d/between")),
    ]);
    fs.readdirSync(at("d"));
  }),
  scenario(
    "zen-fs/core#308: concurrent recursive mkdir calls all succeed",
    async ({ raw, at, note }) => {
      const paths = ["p/q", "p", "p/q/r", "p/q/r", "d/sub/n/m", "d/sub/n"].map(at);
      const made = paths.map((path) => raw.promises.mkdir(path, { recursive: true }));
      note(
        "outcomes",
        (await Promise.allSettled(made)).map(({ status }) => status),
      );
    },
  ),
  scenario("yarnpkg/berry#1651: functions that wrappers forget", async ({ fs, raw, at, note }) => {
    const descriptor = raw.openSync(at("b.txt"), "r+");
    note("writev", raw.writevSync(descriptor, [Buffer.from("one"), Buffer.from("two")], 1));
    note("readv", raw.readvSync(descriptor, [Buffer.alloc(2), Buffer.alloc(3)], 1));
    raw.fchmodSync(descriptor, 0o640);
    raw.closeSync(descriptor);
    const dir = fs.opendirSync(at("d"));
    dir.closeSync();
    fs.lutimesSync(at("link"), 11, 12);
    await fs.promises.lutimes(at("link"), 13, 14);
    fs.rmSync(at("d"), { recursive: true });
    fs.accessSync(at("b.txt"), fs.constants.R_OK);
  }),
  scenario("angular/angular-cli#11781: a file written again keeps its mode", ({ fs, at }) => {
    fs.writeFileSync(at("run.sh"), "#!/bin/sh\necho new\n");
    fs.copyFileSync(at("run.sh"), at("run2.sh"));
    fs.statSync(at("run2.sh"));
  }),
  scenario("hyprstream/hyprstream#655: a deleted tree can be made again, empty", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.existsSync(at("d/x.txt"));
    fs.mkdirSync(at("d/sub"), { recursive: true });
    fs.readdirSync(at("d"), { recursive: true });
    fs.readFileSync(at("d/x.txt"));
  }),
];

conform("what peers got wrong", [
  ...unionfs,
  ...zenfs,
  ...justBash,
  ...memfs,
  ...agentfs,
  ...kernelAndFuse,
  ...generators,
  ...wanted,
]);
