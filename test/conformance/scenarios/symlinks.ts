import { type Scenario, scenario } from "../harness/scenario.ts";
import { directory, symlink } from "../harness/seed.ts";

/** Symbolic links through every layer. */
export const symlinks: readonly Scenario[] = [
  scenario("lower links read as they lie", ({ fs, at }) => {
    for (const name of ["link", "dlink", "dangling", "loop1", "abs", "up", "chain", "d/back"]) {
      fs.readlinkSync(at(name));
      fs.lstatSync(at(name));
    }
  }),
  scenario("readlink in every encoding", ({ fs, at }) => {
    fs.readlinkSync(at("link"), "buffer");
    fs.readlinkSync(at("link"), { encoding: "hex" });
    fs.readlinkSync(at("link"), { encoding: "nonsense" as BufferEncoding });
  }),
  scenario("readlink of what is no link", ({ fs, at }) => {
    for (const name of ["a.txt", "d", "missing", "a.txt/x", "dlink/", "loop1/x"]) {
      fs.readlinkSync(at(name));
    }
  }),
  // microsoft/terminal#10908, atomantic/PortOS#1893, npm/write-file-atomic#5.
  scenario("a write through a link changes the target and keeps the link", ({ fs, at }) => {
    fs.writeFileSync(at("link"), "through");
    fs.lstatSync(at("link"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.appendFileSync(at("chain"), "+");
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("a lower link shows its target's changes", ({ fs, at }) => {
    fs.writeFileSync(at("a.txt"), "changed");
    fs.readFileSync(at("link"), "utf8");
    fs.readFileSync(at("chain"), "utf8");
    fs.readFileSync(at("d/back"), "utf8");
    fs.statSync(at("link"));
  }),
  scenario("a lower link whose target was deleted dangles", ({ fs, at }) => {
    fs.unlinkSync(at("a.txt"));
    fs.readFileSync(at("link"));
    fs.statSync(at("chain"));
    fs.existsSync(at("d/back"));
    fs.lstatSync(at("link"));
  }),
  scenario("a write through a dangling link creates its target", ({ fs, at }) => {
    fs.writeFileSync(at("dangling"), "made");
    fs.readFileSync(at("nowhere"), "utf8");
    fs.lstatSync(at("dangling"));
    fs.statSync(at("dangling"));
  }),
  scenario("an exclusive create does not follow a dangling link", ({ fs, at }) => {
    fs.writeFileSync(at("dangling"), "x", { flag: "wx" });
    fs.openSync(at("dangling"), "ax");
    fs.existsSync(at("nowhere"));
  }),
  scenario("unlink removes the link, not the target", ({ fs, at }) => {
    fs.unlinkSync(at("link"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.unlinkSync(at("dlink"));
    fs.readdirSync(at("d"));
    fs.unlinkSync(at("dangling"));
    fs.unlinkSync(at("loop1"));
    fs.readdirSync(at(""));
  }),
  scenario("loops are ELOOP, for every call", ({ fs, at }) => {
    fs.readFileSync(at("loop1"));
    fs.statSync(at("loop1"));
    fs.writeFileSync(at("loop1"), "x");
    fs.readdirSync(at("loop1"));
    fs.mkdirSync(at("loop1/x"));
    fs.realpathSync(at("loop1"));
    fs.accessSync(at("loop1"));
    fs.chmodSync(at("loop1"), 0o600);
    fs.truncateSync(at("loop1"));
    fs.utimesSync(at("loop1"), 1, 1);
    fs.openSync(at("loop2/x/y"), "r");
    fs.unlinkSync(at("loop1/x"));
    fs.copyFileSync(at("loop1"), at("x"));
    fs.renameSync(at("loop1/x"), at("y"));
    fs.opendirSync(at("loop1"));
    fs.lstatSync(at("loop1"));
  }),
  scenario("a loop made in the overlay over lower links", ({ fs, at }) => {
    fs.unlinkSync(at("a.txt"));
    fs.symlinkSync("chain", at("a.txt"));
    fs.statSync(at("chain"));
    fs.readFileSync(at("a.txt"));
    fs.readlinkSync(at("a.txt"));
  }),
  scenario("a link to itself", ({ fs, at }) => {
    fs.symlinkSync("self", at("self"));
    fs.statSync(at("self"));
    fs.realpathSync(at("self"));
    fs.realpathSync.native?.(at("self"));
    fs.lstatSync(at("self"));
  }),
  scenario("forty links are followed, forty-one are too many", ({ fs, at }) => {
    fs.symlinkSync("a.txt", at("l0"));
    for (let index = 1; index <= 41; index++) fs.symlinkSync(`l${index - 1}`, at(`l${index}`));
    fs.statSync(at("l38"));
    fs.readFileSync(at("l39"), "utf8");
    fs.statSync(at("l40"));
    fs.readFileSync(at("l41"));
    fs.realpathSync(at("l41"));
  }),
  scenario("the count of links is for the whole path", ({ fs, at }) => {
    fs.symlinkSync(".", at("dot"));
    fs.statSync(at(`${"dot/".repeat(39)}a.txt`));
    fs.statSync(at(`${"dot/".repeat(40)}a.txt`));
    fs.statSync(at(`${"dot/".repeat(41)}a.txt`));
    fs.readFileSync(at(`${"dot/".repeat(40)}link`));
  }),
  scenario("a new link to lower files and directories", ({ fs, at }) => {
    fs.symlinkSync("d/sub", at("s"));
    fs.readdirSync(at("s"));
    fs.readFileSync(at("s/deep.txt"), "utf8");
    fs.writeFileSync(at("s/n"), "n");
    fs.readFileSync(at("d/sub/n"), "utf8");
    fs.symlinkSync(at("b.txt"), at("sabs"));
    fs.readFileSync(at("sabs"), "utf8");
    fs.lstatSync(at("s"));
  }),
  scenario("symlink keeps its target string exactly", ({ fs, at }) => {
    const targets = ["./a.txt", "d//x.txt", "d/./x.txt", "d/", " ", "a\nb", "ünï"];
    for (const [index, target] of targets.entries()) {
      fs.symlinkSync(target, at(`s${index}`));
      fs.readlinkSync(at(`s${index}`));
      fs.lstatSync(at(`s${index}`));
      fs.statSync(at(`s${index}`));
    }
  }),
  scenario("symlink over what exists and into what is missing", ({ fs, at }) => {
    for (const name of ["a.txt", "d", "link", "dangling", "loop1"]) fs.symlinkSync("t", at(name));
    fs.symlinkSync("t", at("missing/s"));
    fs.symlinkSync("t", at("a.txt/s"));
    fs.symlinkSync("t", at("n/"));
    fs.symlinkSync("t", at("d/"));
    fs.symlinkSync("", at("n"));
    fs.symlinkSync("t", "");
    fs.symlinkSync("t", at("n"), "nonsense" as "file");
    fs.symlinkSync("x".repeat(4096), at("long"));
    fs.symlinkSync("x".repeat(4095), at("longest"));
  }),
  scenario("a directory reached through a link is the directory", ({ fs, at }) => {
    fs.writeFileSync(at("dlink/n"), "n");
    fs.unlinkSync(at("dlink/x.txt"));
    fs.mkdirSync(at("dlink/nd"));
    fs.readdirSync(at("d"));
    fs.existsSync(at("d/x.txt"));
    fs.rmdirSync(at("dlink/nd"));
    fs.lstatSync(at("dlink"));
  }),
  scenario("dot-dot after a link climbs from the link's target", ({ fs, at }) => {
    fs.symlinkSync("d/sub", at("s"));
    fs.readFileSync(at("s/../x.txt"), "utf8");
    fs.statSync(at("s/../a.txt"));
    fs.readdirSync(at("s/.."));
    fs.writeFileSync(at("s/../n"), "n");
    fs.existsSync(at("d/n"));
    fs.readFileSync(at("up"), "utf8");
  }),
  scenario("dot-dot after a file or a missing name is an error", ({ fs, at }) => {
    fs.statSync(at("a.txt/../b.txt"));
    fs.statSync(at("missing/../b.txt"));
    fs.readFileSync(at("dangling/../b.txt"));
    fs.writeFileSync(at("missing/../n"), "n");
  }),
  scenario("realpath resolves every link in the merged tree", ({ fs, at }) => {
    for (const name of ["link", "dlink", "dlink/sub", "abs", "up", "chain", "d/back", "d/../d"]) {
      fs.realpathSync(at(name));
      fs.realpathSync.native(at(name));
    }
    fs.symlinkSync("dlink", at("dl2"));
    fs.realpathSync(at("dl2/x.txt"));
    fs.renameSync(at("d"), at("m"));
    fs.realpathSync(at("dlink"));
    fs.symlinkSync("m", at("d"));
    fs.realpathSync(at("dlink/sub/deep.txt"));
  }),
  scenario("realpath errors", ({ fs, at }) => {
    for (const name of ["missing", "dangling", "loop1", "a.txt/x", "missing/x"]) {
      fs.realpathSync(at(name));
      fs.realpathSync.native(at(name));
    }
    fs.realpathSync(at("a.txt"), "buffer");
    fs.realpathSync.native(at("a.txt"), "buffer");
  }),
  scenario(
    "a slash after the name of a file to be made is EISDIR, whatever a link leads to",
    (c) => {
      const { fs, at } = c;
      fs.symlinkSync("a.txt/x", at("below a file"));
      fs.symlinkSync("a.txt/", at("with a slash"));
      for (const name of ["link", "dlink", "dangling", "loop1", "below a file", "with a slash"]) {
        fs.writeFileSync(at(`${name}/`), "new");
        fs.writeFileSync(at(`${name}/`), "new", { flag: "wx" });
        fs.appendFileSync(at(`${name}/`), "more");
        fs.copyFileSync(at("a.txt"), at(`${name}/`));
        fs.openSync(at(`${name}/`), "a+");
        fs.openSync(at(`${name}/.`), "a+");
      }
      fs.writeFileSync(at("with a slash"), "new");
      fs.writeFileSync(at("loop1/x/"), "new");
      fs.writeFileSync(at("d/./"), "new", { flag: "wx" });
    },
  ),
  scenario("slash after a link to a file is ENOTDIR, to a directory follows", ({ fs, at }) => {
    fs.statSync(at("link/"));
    fs.lstatSync(at("link/"));
    fs.lstatSync(at("dlink/"));
    fs.readdirSync(at("dlink/"));
    fs.readFileSync(at("link/"));
    fs.unlinkSync(at("link/"));
    fs.unlinkSync(at("dlink/"));
    fs.rmdirSync(at("dlink/"));
    fs.readlinkSync(at("dlink/"));
    fs.chmodSync(at("dlink/"), 0o700);
    fs.statSync(at("d"));
  }),
  scenario("chmod, chown, utimes and truncate follow, the l-forms do not", ({ fs, at }) => {
    fs.chmodSync(at("link"), 0o600);
    fs.statSync(at("a.txt"));
    fs.utimesSync(at("chain"), 10, 20);
    fs.statSync(at("a.txt"));
    fs.lutimesSync(at("chain"), 30, 40);
    fs.lstatSync(at("chain"));
    fs.statSync(at("a.txt"));
    fs.truncateSync(at("link"), 1);
    fs.readFileSync(at("a.txt"), "utf8");
    fs.lchownSync(at("link"), process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    fs.lstatSync(at("link"));
  }),
  scenario("a link replaced by a file, a file by a link", ({ fs, at }) => {
    fs.unlinkSync(at("link"));
    fs.writeFileSync(at("link"), "now a file");
    fs.readFileSync(at("a.txt"), "utf8");
    fs.unlinkSync(at("b.txt"));
    fs.symlinkSync("a.txt", at("b.txt"));
    fs.readFileSync(at("b.txt"), "utf8");
    fs.readFileSync(at("up"), "utf8");
  }),
  scenario("a directory replaced by a link to another", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.symlinkSync("e", at("d"));
    fs.writeFileSync(at("d/x.txt"), "in e");
    fs.readFileSync(at("e/x.txt"), "utf8");
    fs.readFileSync(at("dlink/x.txt"), "utf8");
    fs.readFileSync(at("abs"), "utf8");
  }),
  scenario("a link retargeted in the overlay", ({ fs, at }) => {
    fs.unlinkSync(at("dlink"));
    fs.symlinkSync("e", at("dlink"));
    fs.writeFileSync(at("dlink/n"), "n");
    fs.readdirSync(at("e"));
    fs.readdirSync(at("d"));
  }),
  scenario(
    "links in renamed directories resolve from where they are now",
    ({ fs, at }) => {
      fs.readFileSync(at("m/l"), "utf8");
      fs.renameSync(at("m"), at("p/m"));
      fs.readFileSync(at("p/m/l"), "utf8");
      fs.readFileSync(at("p/m/in"), "utf8");
      fs.writeFileSync(at("p/f"), "other f");
      fs.readFileSync(at("p/m/l"), "utf8");
    },
    {
      seed: {
        f: "top f",
        m: directory(),
        "m/l": symlink("../f"),
        "m/g": "g",
        "m/in": symlink("g"),
        p: directory(),
        "p/f": "p's f",
      },
    },
  ),
  scenario(
    "a chain of links across three directories",
    ({ fs, at }) => {
      fs.readFileSync(at("1/l"), "utf8");
      fs.writeFileSync(at("1/l"), "changed");
      fs.readFileSync(at("3/f"), "utf8");
      fs.renameSync(at("3"), at("4"));
      fs.readFileSync(at("1/l"));
      fs.renameSync(at("4"), at("3"));
      fs.readFileSync(at("1/l"), "utf8");
      fs.realpathSync(at("1/l"));
    },
    {
      seed: {
        "1": directory(),
        "1/l": symlink("../2/l"),
        "2": directory(),
        "2/l": symlink("../3/f"),
        "3": directory(),
        "3/f": "end",
      },
    },
  ),
  scenario(
    "a cycle of directories through links stays finite",
    ({ fs, at }) => {
      fs.readFileSync(at("c/up/c/up/c/f"), "utf8");
      fs.writeFileSync(at("c/up/c/f"), "changed");
      fs.readFileSync(at("c/f"), "utf8");
      fs.realpathSync(at("c/up/c/up"));
      fs.rmSync(at("c"), { recursive: true });
      fs.readdirSync(at(""));
    },
    { seed: { c: directory(), "c/up": symlink(".."), "c/f": "f" } },
  ),
  scenario(
    "a hidden lower target is not reached through a lower link",
    ({ fs, at }) => {
      fs.rmSync(at("d/sub"), { recursive: true });
      fs.mkdirSync(at("d/sub"));
      fs.readdirSync(at("s"));
      fs.readFileSync(at("s/deep.txt"));
      fs.writeFileSync(at("s/deep.txt"), "fresh");
      fs.readFileSync(at("d/sub/deep.txt"), "utf8");
    },
    {
      seed: { d: directory(), "d/sub": directory(), "d/sub/deep.txt": "old", s: symlink("d/sub") },
    },
  ),
  scenario("symlinks by promise and by callback", async ({ fs, at, callback }) => {
    await fs.promises.symlink("a.txt", at("p"));
    await callback("symlink", "a.txt", at("c"));
    await fs.promises.readlink(at("p"));
    await callback("readlink", at("c"));
    await fs.promises.realpath(at("chain"));
    await callback("realpath", at("chain"));
    await fs.promises.lstat(at("p"));
    await callback("lstat", at("c"));
    await fs.promises.readlink(at("a.txt"));
    await callback("readlink", at("missing"));
    await fs.promises.realpath(at("loop1"));
    await callback("realpath", at("dangling"));
    await fs.promises.symlink("t", at("a.txt"));
    await callback("symlink", "t", at("missing/x"));
  }),
];
