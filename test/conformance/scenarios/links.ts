import { type Scenario, scenario } from "../harness/scenario.ts";

/** Hard links, within the lower, within the upper and across. */
export const links: readonly Scenario[] = [
  scenario("lower hard links share an inode and a count", ({ fs, at, note }) => {
    const inodes = ["h1", "h2", "d/h3"].map((name) => fs.statSync(at(name)).ino);
    note("one inode", new Set(inodes).size);
  }),
  scenario(
    "a write through one name of a lower hard link shows through all",
    ({ fs, at, note }) => {
      fs.writeFileSync(at("h1"), "changed");
      for (const name of ["h1", "h2", "d/h3"]) fs.readFileSync(at(name), "utf8");
      note(
        "one inode",
        new Set(["h1", "h2", "d/h3"].map((name) => fs.statSync(at(name)).ino)).size,
      );
    },
  ),
  scenario("an append through another name adds to the same content", ({ fs, at }) => {
    fs.appendFileSync(at("h2"), "+2");
    fs.appendFileSync(at("d/h3"), "+3");
    fs.appendFileSync(at("h1"), "+1");
    for (const name of ["h1", "h2", "d/h3"]) fs.readFileSync(at(name), "utf8");
  }),
  scenario("modes, owners and times are the inode's, not the name's", ({ fs, at }) => {
    fs.chmodSync(at("h1"), 0o711);
    fs.utimesSync(at("h2"), 100, 200);
    fs.statSync(at("d/h3"));
    fs.statSync(at("h1"));
  }),
  scenario("unlinking one name lowers the count and leaves the others", ({ fs, at }) => {
    fs.unlinkSync(at("h1"));
    fs.statSync(at("h2"));
    fs.unlinkSync(at("d/h3"));
    fs.statSync(at("h2"));
    fs.readFileSync(at("h2"), "utf8");
    fs.writeFileSync(at("h1"), "separate");
    fs.readFileSync(at("h2"), "utf8");
    fs.statSync(at("h1"));
  }),
  scenario("unlink after a change keeps the others' content and count", ({ fs, at }) => {
    fs.writeFileSync(at("h1"), "changed");
    fs.unlinkSync(at("h1"));
    fs.statSync(at("h2"));
    fs.readFileSync(at("d/h3"), "utf8");
  }),
  scenario("a rename of one name keeps the link", ({ fs, at, note }) => {
    fs.renameSync(at("h1"), at("moved"));
    fs.writeFileSync(at("h2"), "changed");
    fs.readFileSync(at("moved"), "utf8");
    note("same", fs.statSync(at("moved")).ino === fs.statSync(at("d/h3")).ino);
  }),
  scenario("a rename over one name leaves the others", ({ fs, at }) => {
    fs.renameSync(at("a.txt"), at("h1"));
    fs.readFileSync(at("h1"), "utf8");
    fs.readFileSync(at("h2"), "utf8");
    fs.statSync(at("h2"));
  }),
  scenario("a new hard link to a lower file shares its content", ({ fs, at, note }) => {
    fs.linkSync(at("a.txt"), at("al"));
    fs.statSync(at("a.txt"));
    note("same", fs.statSync(at("a.txt")).ino === fs.statSync(at("al")).ino);
    fs.appendFileSync(at("al"), "+");
    fs.readFileSync(at("a.txt"), "utf8");
    fs.appendFileSync(at("a.txt"), "-");
    fs.readFileSync(at("al"), "utf8");
  }),
  scenario("a hard link to a new file shares its content", ({ fs, at }) => {
    fs.writeFileSync(at("n"), "n");
    fs.linkSync(at("n"), at("d/n"));
    fs.writeFileSync(at("d/n"), "nn");
    fs.readFileSync(at("n"), "utf8");
    fs.unlinkSync(at("n"));
    fs.statSync(at("d/n"));
  }),
  scenario("a new link to one of lower hard links raises the count of all", ({ fs, at }) => {
    fs.linkSync(at("h1"), at("h4"));
    for (const name of ["h1", "h2", "d/h3", "h4"]) fs.statSync(at(name));
    fs.writeFileSync(at("d/h3"), "changed");
    fs.readFileSync(at("h4"), "utf8");
  }),
  scenario("hard links survive the rename of their directory", ({ fs, at, note }) => {
    fs.renameSync(at("d"), at("m"));
    fs.writeFileSync(at("m/h3"), "changed");
    fs.readFileSync(at("h1"), "utf8");
    note("same", fs.statSync(at("m/h3")).ino === fs.statSync(at("h2")).ino);
    fs.statSync(at("h1"));
  }),
  scenario("hard links survive changes before the rename of their directory", ({ fs, at }) => {
    fs.appendFileSync(at("h1"), "+");
    fs.renameSync(at("d"), at("m"));
    fs.appendFileSync(at("m/h3"), "-");
    for (const name of ["h1", "h2", "m/h3"]) fs.readFileSync(at(name), "utf8");
  }),
  scenario("removing a directory lowers the count of links inside", ({ fs, at }) => {
    fs.rmSync(at("d"), { recursive: true });
    fs.statSync(at("h1"));
    fs.statSync(at("h2"));
  }),
  scenario("link refuses directories, missing sources and existing targets", ({ fs, at }) => {
    fs.linkSync(at("d"), at("n"));
    fs.linkSync(at("missing"), at("n"));
    fs.linkSync(at("a.txt"), at("b.txt"));
    fs.linkSync(at("a.txt"), at("d"));
    fs.linkSync(at("a.txt"), at("dangling"));
    fs.linkSync(at("a.txt"), at("missing/n"));
    fs.linkSync(at("a.txt"), at("b.txt/n"));
    fs.linkSync(at("a.txt/x"), at("n"));
    fs.linkSync(at("a.txt"), at("a.txt"));
    fs.linkSync("", at("n"));
    fs.linkSync(at("a.txt"), "");
  }),
  scenario("link does not follow a link as source", ({ fs, at }) => {
    fs.linkSync(at("link"), at("l2"));
    fs.lstatSync(at("l2"));
    fs.lstatSync(at("link"));
    fs.linkSync(at("dangling"), at("dg2"));
    fs.readlinkSync(at("dg2"));
  }),
  scenario("link through symlinked directories", ({ fs, at }) => {
    fs.linkSync(at("dlink/x.txt"), at("dlink/sub/x2"));
    fs.statSync(at("d/sub/x2"));
    fs.writeFileSync(at("d/x.txt"), "changed");
    fs.readFileSync(at("d/sub/x2"), "utf8");
  }),
  scenario("link onto a removed name", ({ fs, at }) => {
    fs.unlinkSync(at("b.txt"));
    fs.linkSync(at("a.txt"), at("b.txt"));
    fs.readFileSync(at("b.txt"), "utf8");
    fs.statSync(at("b.txt"));
  }),
  scenario("link with slashes at the ends", ({ fs, at }) => {
    fs.linkSync(at("a.txt/"), at("n"));
    fs.linkSync(at("a.txt"), at("n/"));
    fs.linkSync(at("dlink/"), at("n"));
  }),
  scenario("truncate through one name shortens all", ({ fs, at }) => {
    fs.truncateSync(at("h2"), 1);
    for (const name of ["h1", "h2", "d/h3"]) fs.readFileSync(at(name), "utf8");
  }),
  scenario("O_TRUNC through one name empties all", ({ fs, at }) => {
    fs.closeSync(fs.openSync(at("d/h3"), "w"));
    for (const name of ["h1", "h2", "d/h3"]) fs.statSync(at(name));
  }),
  scenario("copyFile onto a hard link changes all names", ({ fs, at }) => {
    fs.copyFileSync(at("a.txt"), at("h2"));
    fs.readFileSync(at("h1"), "utf8");
    fs.statSync(at("d/h3"));
  }),
  scenario("write beside and rename over parts a hard link", ({ fs, at }) => {
    fs.writeFileSync(at("tmp"), "replaced");
    fs.renameSync(at("tmp"), at("h1"));
    fs.statSync(at("h1"));
    fs.statSync(at("h2"));
    fs.readFileSync(at("d/h3"), "utf8");
  }),
  scenario("all names unlinked and one written again", ({ fs, at }) => {
    for (const name of ["h1", "h2", "d/h3"]) fs.unlinkSync(at(name));
    fs.writeFileSync(at("h2"), "fresh");
    fs.statSync(at("h2"));
    fs.readdirSync(at("d"));
  }),
  scenario("link and unlink move the ctime, not the mtime", ({ fs, at }) => {
    fs.linkSync(at("a.txt"), at("al"));
    fs.statSync(at("a.txt"));
    fs.unlinkSync(at("h1"));
    fs.statSync(at("h2"));
  }),
  scenario("links made and removed in a row", ({ fs, at }) => {
    for (let index = 0; index < 20; index++) fs.linkSync(at("a.txt"), at(`l${index}`));
    fs.statSync(at("l19"));
    for (let index = 0; index < 20; index += 2) fs.unlinkSync(at(`l${index}`));
    fs.statSync(at("a.txt"));
    fs.unlinkSync(at("a.txt"));
    fs.statSync(at("l1"));
  }),
  scenario("a lower hard link written through a descriptor of another name", ({ fs, at }) => {
    const descriptor = fs.openSync(at("h1"), "r");
    fs.writeFileSync(at("h2"), "later");
    const buffer = Buffer.alloc(16);
    fs.readSync(descriptor, buffer, 0, 16, 0);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("link by promise and by callback", async ({ fs, at, callback }) => {
    await fs.promises.link(at("a.txt"), at("p"));
    await callback("link", at("a.txt"), at("c"));
    await fs.promises.link(at("missing"), at("x"));
    await callback("link", at("d"), at("x"));
    fs.statSync(at("p"));
  }),
];
