import { type Scenario, scenario } from "../harness/scenario.ts";
import { directory, file, hardlink, standardSeed, symlink } from "../harness/seed.ts";

/** Everything that rename(2) promises, over every mix of lower and upper. */
export const renames: readonly Scenario[] = [
  scenario("a lower file renamed keeps content, mode, times and inode", ({ fs, at, note }) => {
    const before = fs.statSync(at("run.sh")).ino;
    fs.renameSync(at("run.sh"), at("moved.sh"));
    fs.statSync(at("moved.sh"));
    fs.readFileSync(at("moved.sh"), "utf8");
    note("same inode", fs.statSync(at("moved.sh")).ino === before);
    fs.existsSync(at("run.sh"));
  }),
  scenario("a changed lower file renamed leaves no old name", ({ fs, at }) => {
    fs.appendFileSync(at("a.txt"), "+");
    fs.renameSync(at("a.txt"), at("z.txt"));
    fs.existsSync(at("a.txt"));
    fs.readFileSync(at("z.txt"), "utf8");
    fs.readdirSync(at(""));
  }),
  scenario("a new file renamed", ({ fs, at }) => {
    fs.writeFileSync(at("n"), "n");
    fs.renameSync(at("n"), at("d/n"));
    fs.readdirSync(at(""));
    fs.readFileSync(at("d/n"), "utf8");
  }),
  scenario("rename over a lower file replaces it", ({ fs, at }) => {
    fs.renameSync(at("run.sh"), at("a.txt"));
    fs.statSync(at("a.txt"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.readFileSync(at("link"), "utf8");
  }),
  scenario("rename over a new file replaces it", ({ fs, at }) => {
    fs.writeFileSync(at("n"), "n");
    fs.renameSync(at("a.txt"), at("n"));
    fs.readFileSync(at("n"), "utf8");
    fs.readdirSync(at(""));
  }),
  scenario("rename onto a removed name", ({ fs, at }) => {
    fs.unlinkSync(at("b.txt"));
    fs.renameSync(at("a.txt"), at("b.txt"));
    fs.readFileSync(at("b.txt"), "utf8");
    fs.unlinkSync(at("b.txt"));
    fs.readdirSync(at(""));
  }),
  scenario("rename there and back", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("t"));
    fs.renameSync(at("t"), at("a.txt"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.statSync(at("a.txt"));
  }),
  scenario("a chain of renames of one file", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("1"));
    fs.renameSync(at("1"), at("d/2"));
    fs.renameSync(at("d/2"), at("e/3"));
    fs.appendFileSync(at("e/3"), "+");
    fs.renameSync(at("e/3"), at("a.txt"));
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("two files change places", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("t"));
    fs.renameSync(at("b.txt"), at("a.txt"));
    fs.renameSync(at("t"), at("b.txt"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.readFileSync(at("b.txt"), "utf8");
    fs.statSync(at("a.txt"));
  }),
  scenario("three files move round in a ring", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("t"));
    fs.renameSync(at("run.sh"), at("a.txt"));
    fs.renameSync(at("b.txt"), at("run.sh"));
    fs.renameSync(at("t"), at("b.txt"));
    for (const name of ["a.txt", "b.txt", "run.sh"]) fs.readFileSync(at(name), "utf8");
  }),
  scenario("rename onto itself changes nothing", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("a.txt"));
    fs.renameSync(at("d"), at("d"));
    fs.renameSync(at("a.txt"), at("./a.txt"));
    fs.statSync(at("a.txt"));
    fs.statSync(at(""));
  }),
  scenario("rename onto another hard link of the same inode does nothing", ({ fs, at }) => {
    fs.renameSync(at("h1"), at("h2"));
    fs.existsSync(at("h1"));
    fs.existsSync(at("h2"));
    fs.statSync(at("h1"));
  }),
  scenario("rename onto another new hard link of the same inode does nothing", ({ fs, at }) => {
    fs.linkSync(at("a.txt"), at("al"));
    fs.renameSync(at("a.txt"), at("al"));
    fs.existsSync(at("a.txt"));
    fs.statSync(at("al"));
  }),
  scenario("a lower directory renamed takes all of its tree along", ({ fs, at }) => {
    fs.renameSync(at("d"), at("moved"));
    fs.readdirSync(at("moved"), { recursive: true });
    fs.readFileSync(at("moved/sub/deeper/leaf"), "utf8");
    fs.existsSync(at("d"));
    fs.existsSync(at("d/x.txt"));
    fs.readFileSync(at("d/sub/deep.txt"));
    fs.readdirSync(at("dlink"));
    fs.readFileSync(at("abs"));
  }),
  scenario("a lower directory renamed keeps its inode, mode and times", ({ fs, at, note }) => {
    const before = fs.statSync(at("d/sub"));
    fs.renameSync(at("d/sub"), at("s"));
    fs.statSync(at("s"));
    note("same inode", fs.statSync(at("s")).ino === before.ino);
  }),
  scenario("old names below a renamed directory are free again", ({ fs, at }) => {
    fs.renameSync(at("d"), at("moved"));
    fs.mkdirSync(at("d"));
    fs.readdirSync(at("d"));
    fs.existsSync(at("d/x.txt"));
    fs.writeFileSync(at("d/x.txt"), "other");
    fs.readFileSync(at("d/x.txt"), "utf8");
    fs.readFileSync(at("moved/x.txt"), "utf8");
  }),
  scenario("a child deleted before its directory moves stays deleted", ({ fs, at }) => {
    fs.unlinkSync(at("d/x.txt"));
    fs.rmSync(at("d/sub/deeper"), { recursive: true });
    fs.renameSync(at("d"), at("moved"));
    fs.readdirSync(at("moved"), { recursive: true });
    fs.existsSync(at("moved/x.txt"));
    fs.existsSync(at("moved/sub/deeper/leaf"));
  }),
  scenario("changes below a directory made before it moves go along", ({ fs, at }) => {
    fs.writeFileSync(at("d/x.txt"), "changed");
    fs.writeFileSync(at("d/sub/n"), "new");
    fs.chmodSync(at("d/sub"), 0o700);
    fs.symlinkSync("x.txt", at("d/s"));
    fs.renameSync(at("d"), at("moved"));
    fs.readdirSync(at("moved"), { recursive: true });
    fs.readFileSync(at("moved/x.txt"), "utf8");
    fs.readFileSync(at("moved/s"), "utf8");
    fs.statSync(at("moved/sub"));
  }),
  scenario("changes below a directory made after it moved", ({ fs, at }) => {
    fs.renameSync(at("d"), at("moved"));
    fs.appendFileSync(at("moved/x.txt"), "+");
    fs.unlinkSync(at("moved/y.txt"));
    fs.writeFileSync(at("moved/sub/n"), "new");
    fs.renameSync(at("moved/sub/deeper"), at("moved/deeper"));
    fs.readdirSync(at("moved"), { recursive: true });
    fs.readFileSync(at("moved/x.txt"), "utf8");
    fs.readFileSync(at("moved/deeper/leaf"), "utf8");
  }),
  scenario("a directory moved, changed and moved back", ({ fs, at }) => {
    fs.renameSync(at("d"), at("m"));
    fs.unlinkSync(at("m/x.txt"));
    fs.writeFileSync(at("m/n"), "n");
    fs.renameSync(at("m"), at("d"));
    fs.readdirSync(at("d"), { recursive: true });
    fs.statSync(at("d"));
  }),
  scenario("a directory moved there and back at once", ({ fs, at }) => {
    fs.renameSync(at("d"), at("m"));
    fs.renameSync(at("m"), at("d"));
    fs.readdirSync(at("d"), { recursive: true });
    fs.statSync(at("d"));
    fs.readFileSync(at("d/x.txt"), "utf8");
  }),
  scenario("a chain of directory renames", ({ fs, at }) => {
    for (const [source, target] of [
      ["d", "1"],
      ["1", "2"],
      ["2", "e/3"],
      ["e/3", "4"],
    ] as const) {
      fs.renameSync(at(source), at(target));
      fs.readdirSync(at(target), { recursive: true });
    }
    fs.readFileSync(at("4/sub/deep.txt"), "utf8");
  }),
  scenario("renames inside renames", ({ fs, at }) => {
    fs.renameSync(at("d/sub/deeper"), at("d/sub/d2"));
    fs.renameSync(at("d/sub"), at("d/s2"));
    fs.renameSync(at("d"), at("m"));
    fs.renameSync(at("m/s2/d2"), at("out"));
    fs.readdirSync(at("m"), { recursive: true });
    fs.readFileSync(at("out/leaf"), "utf8");
    fs.renameSync(at("out"), at("m/s2/deeper"));
    fs.readdirSync(at("m"), { recursive: true });
  }),
  scenario("two directories change places", ({ fs, at }) => {
    fs.writeFileSync(at("e/only-e"), "e");
    fs.renameSync(at("d"), at("t"));
    fs.renameSync(at("e"), at("d"));
    fs.renameSync(at("t"), at("e"));
    fs.readdirSync(at("d"));
    fs.readdirSync(at("e"), { recursive: true });
    fs.readFileSync(at("e/sub/deep.txt"), "utf8");
  }),
  scenario("a directory and a file change places", ({ fs, at }) => {
    fs.renameSync(at("d"), at("t"));
    fs.renameSync(at("a.txt"), at("d"));
    fs.renameSync(at("t"), at("a.txt"));
    fs.readFileSync(at("d"), "utf8");
    fs.readdirSync(at("a.txt"));
    fs.readFileSync(at("link"));
  }),
  scenario("a directory over an empty directory replaces it", ({ fs, at }) => {
    fs.renameSync(at("d"), at("e"));
    fs.readdirSync(at("e"));
    fs.existsSync(at("d"));
  }),
  scenario("a directory over one emptied in the overlay replaces it", ({ fs, at }) => {
    for (const name of ["x.txt", "y.txt", "back", "h3"]) fs.unlinkSync(at(`d/${name}`));
    fs.rmSync(at("d/sub"), { recursive: true });
    fs.mkdirSync(at("n"));
    fs.writeFileSync(at("n/f"), "f");
    fs.renameSync(at("n"), at("d"));
    fs.readdirSync(at("d"));
    fs.existsSync(at("d/x.txt"));
  }),
  scenario("an empty directory over a non-empty one is ENOTEMPTY", ({ fs, at }) => {
    fs.renameSync(at("e"), at("d"));
    fs.readdirSync(at("d"));
    fs.existsSync(at("e"));
  }),
  scenario("a directory over one that holds only new entries is ENOTEMPTY", ({ fs, at }) => {
    fs.writeFileSync(at("e/n"), "");
    fs.renameSync(at("d"), at("e"));
    fs.readdirSync(at("e"));
  }),
  scenario("a file over a directory and a directory over a file", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("e"));
    fs.renameSync(at("a.txt"), at("d"));
    fs.renameSync(at("d"), at("a.txt"));
    fs.renameSync(at("e"), at("a.txt"));
    fs.renameSync(at("d"), at("link"));
    fs.renameSync(at("link"), at("e"));
  }),
  scenario("a directory into itself is EINVAL", ({ fs, at }) => {
    fs.renameSync(at("d"), at("d/inside"));
    fs.renameSync(at("d"), at("d/sub/inside"));
    fs.renameSync(at("d"), at("dlink/inside"));
    fs.renameSync(at("d"), at("d/sub/deeper"));
    fs.readdirSync(at("d"));
  }),
  scenario("a directory over its own ancestor is ENOTEMPTY", ({ fs, at }) => {
    fs.renameSync(at("d/sub"), at("d"));
    fs.renameSync(at("d/sub/deeper"), at("d"));
    fs.renameSync(at("d/x.txt"), at("d"));
  }),
  scenario("rename of a link moves the link, not its target", ({ fs, at }) => {
    fs.renameSync(at("link"), at("l2"));
    fs.lstatSync(at("l2"));
    fs.readlinkSync(at("l2"));
    fs.renameSync(at("dlink"), at("e/dl"));
    fs.readdirSync(at("e/dl"));
    fs.renameSync(at("dangling"), at("dg"));
    fs.renameSync(at("loop1"), at("loop3"));
    fs.readlinkSync(at("loop3"));
  }),
  scenario("rename over a link replaces the link, not its target", ({ fs, at }) => {
    fs.renameSync(at("b.txt"), at("link"));
    fs.lstatSync(at("link"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.renameSync(at("run.sh"), at("dlink"));
    fs.readdirSync(at("d"));
    fs.renameSync(at("a.txt"), at("dangling"));
    fs.readFileSync(at("dangling"), "utf8");
  }),
  scenario("rename through symlinked directories", ({ fs, at }) => {
    fs.renameSync(at("dlink/x.txt"), at("dlink/sub/x.txt"));
    fs.readdirSync(at("d"));
    fs.readdirSync(at("d/sub"));
    fs.renameSync(at("a.txt"), at("dlink/a.txt"));
    fs.readFileSync(at("d/a.txt"), "utf8");
  }),
  scenario("rename of missing things and into missing places", ({ fs, at }) => {
    fs.renameSync(at("missing"), at("x"));
    fs.renameSync(at("a.txt"), at("missing/x"));
    fs.renameSync(at("missing/y"), at("x"));
    fs.renameSync(at("a.txt"), at("b.txt/x"));
    fs.renameSync(at("a.txt/y"), at("x"));
    fs.renameSync(at("a.txt"), at("loop1/x"));
    fs.renameSync(at("a.txt"), at("dangling/x"));
    fs.renameSync("", at("x"));
    fs.renameSync(at("a.txt"), "");
  }),
  scenario("rename with slashes at the ends", ({ fs, at }) => {
    fs.renameSync(at("d/"), at("m/"));
    fs.readdirSync(at("m"));
    fs.renameSync(at("a.txt/"), at("x"));
    fs.renameSync(at("a.txt"), at("x/"));
    fs.renameSync(at("a.txt"), at("e/"));
    fs.renameSync(at("dlink/"), at("y"));
    fs.renameSync(at("e"), at("f/"));
    fs.readdirSync(at(""));
  }),
  scenario("rename with dots at the ends", ({ fs, at }) => {
    fs.renameSync(at("d/."), at("m"));
    fs.renameSync(at("e"), at("d/."));
    fs.renameSync(at("d/sub/.."), at("m"));
    fs.renameSync(at("e"), at("d/.."));
  }),
  scenario("a moved directory's parent link leads to its new parent", ({ fs, at }) => {
    fs.renameSync(at("d/sub"), at("e/sub"));
    fs.readdirSync(at("e/sub/.."));
    fs.realpathSync(at("e/sub/deeper/../.."));
  }),
  scenario("relative links in a moved directory point from their new place", ({ fs, at }) => {
    fs.readFileSync(at("d/back"), "utf8");
    fs.renameSync(at("d"), at("e/d"));
    fs.readFileSync(at("e/d/back"));
    fs.writeFileSync(at("e/a.txt"), "other alpha");
    fs.readFileSync(at("e/d/back"), "utf8");
  }),
  scenario("a new directory with a lower file moved in, renamed", ({ fs, at }) => {
    fs.mkdirSync(at("n"));
    fs.renameSync(at("a.txt"), at("n/a"));
    fs.renameSync(at("d/sub"), at("n/sub"));
    fs.renameSync(at("n"), at("m"));
    fs.readdirSync(at("m"), { recursive: true });
    fs.readFileSync(at("m/sub/deeper/leaf"), "utf8");
  }),
  scenario("rename over a whiteout below a renamed directory", ({ fs, at }) => {
    fs.renameSync(at("d"), at("m"));
    fs.unlinkSync(at("m/x.txt"));
    fs.renameSync(at("a.txt"), at("m/x.txt"));
    fs.readFileSync(at("m/x.txt"), "utf8");
    fs.unlinkSync(at("m/x.txt"));
    fs.readdirSync(at("m"));
  }),
  scenario(
    "a lower directory moved onto its removed neighbour's name",
    ({ fs, at }) => {
      fs.rmSync(at("d"), { recursive: true });
      fs.renameSync(at("p"), at("d"));
      fs.readdirSync(at("d"), { recursive: true });
      fs.readFileSync(at("d/x.txt"), "utf8");
      fs.existsSync(at("d/sub"));
    },
    { seed: { ...standardSeed, p: directory(), "p/x.txt": "other", "p/q": directory() } },
  ),
  scenario("a directory moved away and its name taken by a link to it", ({ fs, at }) => {
    fs.renameSync(at("d"), at("real"));
    fs.symlinkSync("real", at("d"));
    fs.readFileSync(at("d/x.txt"), "utf8");
    fs.writeFileSync(at("d/n"), "n");
    fs.readdirSync(at("real"));
    fs.realpathSync(at("dlink/sub"));
  }),
  scenario("deleting a moved directory deletes it once", ({ fs, at }) => {
    fs.renameSync(at("d"), at("m"));
    fs.rmSync(at("m"), { recursive: true });
    fs.existsSync(at("d"));
    fs.existsSync(at("m"));
    fs.mkdirSync(at("d"));
    fs.readdirSync(at("d"));
    fs.mkdirSync(at("m"));
    fs.readdirSync(at("m"));
  }),
  scenario("a child moved out before its directory goes survives", ({ fs, at }) => {
    fs.renameSync(at("d/sub"), at("sub"));
    fs.rmSync(at("d"), { recursive: true });
    fs.readdirSync(at("sub"), { recursive: true });
    fs.readFileSync(at("sub/deeper/leaf"), "utf8");
    fs.appendFileSync(at("sub/deep.txt"), "+");
    fs.readFileSync(at("sub/deep.txt"), "utf8");
  }),
  scenario("a child moved out of a moved directory survives both", ({ fs, at }) => {
    fs.renameSync(at("d"), at("m"));
    fs.renameSync(at("m/sub/deeper"), at("deeper"));
    fs.rmSync(at("m"), { recursive: true });
    fs.mkdirSync(at("d"));
    fs.renameSync(at("deeper"), at("d/sub"));
    fs.readdirSync(at("d"), { recursive: true });
    fs.readFileSync(at("d/sub/leaf"), "utf8");
  }),
  scenario(
    "case-only renames are renames",
    ({ fs, at }) => {
      fs.renameSync(at("a.txt"), at("A.txt"));
      fs.readdirSync(at(""));
      fs.existsSync(at("a.txt"));
      fs.renameSync(at("d"), at("D"));
      fs.readdirSync(at("D"));
      fs.existsSync(at("d"));
    },
    { seed: { "a.txt": "a", d: directory(), "d/x": "x" } },
  ),
  scenario("rename moves the times of both parents and the ctime of the node", ({ fs, at }) => {
    fs.renameSync(at("d/x.txt"), at("e/x.txt"));
    fs.statSync(at("d"));
    fs.statSync(at("e"));
    fs.statSync(at("e/x.txt"));
    fs.renameSync(at("d/sub"), at("e/sub"));
    fs.statSync(at("e/sub"));
    fs.statSync(at(""));
  }),
  scenario("a failed rename moves no times", ({ fs, at }) => {
    fs.renameSync(at("e"), at("d"));
    fs.renameSync(at("d"), at("d/x"));
    fs.renameSync(at("a.txt"), at("d"));
    fs.statSync(at("d"));
    fs.statSync(at("e"));
    fs.statSync(at(""));
  }),
  scenario("renaming a file into a directory renamed later", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("d/a.txt"));
    fs.renameSync(at("d"), at("m"));
    fs.renameSync(at("m/a.txt"), at("a.txt"));
    fs.renameSync(at("m"), at("d"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.readdirSync(at("d"));
  }),
  scenario("an editor's save: write beside, rename over", ({ fs, at }) => {
    for (let round = 0; round < 5; round++) {
      fs.writeFileSync(at(".a.txt.tmp"), `round ${round}`, { mode: 0o600 });
      fs.renameSync(at(".a.txt.tmp"), at("a.txt"));
    }
    fs.readFileSync(at("a.txt"), "utf8");
    fs.statSync(at("a.txt"));
    fs.readdirSync(at(""));
  }),
  scenario("a log rotation", ({ fs, at }) => {
    fs.writeFileSync(at("log"), "0");
    for (let round = 1; round < 5; round++) {
      for (let index = round; index > 0; index--) {
        const source = index === 1 ? "log" : `log.${index - 1}`;
        fs.renameSync(at(source), at(`log.${index}`));
      }
      fs.writeFileSync(at("log"), String(round));
    }
    for (const name of ["log", "log.1", "log.2", "log.3", "log.4"])
      fs.readFileSync(at(name), "utf8");
  }),
  scenario(
    "a swap of a release link",
    ({ fs, at }) => {
      fs.symlinkSync("v2", at("current.tmp"));
      fs.renameSync(at("current.tmp"), at("current"));
      fs.readFileSync(at("current/f"), "utf8");
      fs.readlinkSync(at("current"));
    },
    {
      seed: {
        v1: directory(),
        "v1/f": "one",
        v2: directory(),
        "v2/f": "two",
        current: symlink("v1"),
      },
    },
  ),
  scenario("rename by promise and by callback", async ({ fs, at, callback }) => {
    await fs.promises.rename(at("a.txt"), at("p"));
    await callback("rename", at("p"), at("c"));
    await fs.promises.rename(at("missing"), at("x"));
    await callback("rename", at("d"), at("d/in"));
    fs.readFileSync(at("c"), "utf8");
  }),
  // sk-lim19f/Hypomnema#245.
  scenario(
    "a renamed directory's files keep modes of all kinds",
    ({ fs, at }) => {
      fs.renameSync(at("m"), at("n"));
      for (const name of ["0", "400", "755", "4755", "2755", "1755"]) fs.statSync(at(`n/${name}`));
      fs.chmodSync(at("n/400"), 0o644);
      fs.statSync(at("n/400"));
    },
    {
      skip: { memfs: "memfs refuses to read a file of mode 0 even to root" },
      seed: {
        m: directory(0o2775),
        ...Object.fromEntries(
          ["0", "400", "755", "4755", "2755", "1755"].map((mode) => [
            `m/${mode}`,
            file(mode, Number.parseInt(mode, 8)),
          ]),
        ),
      },
    },
  ),
  scenario(
    "rename of a directory onto a file in it that has another name",
    ({ fs, at }) => {
      fs.chmodSync(at("a.txt"), 0o600);
      fs.renameSync(at("p"), at("p/sub/h"));
      fs.renameSync(at("p/sub"), at("p/sub/h"));
      fs.renameSync(at("p"), at("p2"));
      fs.statSync(at("p2/sub/h"));
    },
    {
      seed: {
        "a.txt": "alpha",
        p: directory(),
        "p/sub": directory(),
        "p/sub/h": hardlink("a.txt"),
      },
    },
  ),
];
