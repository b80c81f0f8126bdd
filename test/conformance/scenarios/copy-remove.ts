import { type Scenario, scenario } from "../harness/scenario.ts";

/** cp and rm. */
export const copyRemove: readonly Scenario[] = [
  scenario("rm of a file", ({ fs, at }) => {
    fs.rmSync(at("a.txt"));
    fs.rmSync(at("a.txt"));
    fs.rmSync(at("a.txt"), { force: true });
    fs.readdirSync(at(""));
  }),
  scenario("rm of a directory needs recursive", ({ fs, at }) => {
    fs.rmSync(at("e"));
    fs.rmSync(at("d"));
    fs.rmSync(at("d"), { force: true });
    fs.rmSync(at("d"), { recursive: true });
    fs.existsSync(at("d"));
    fs.rmSync(at("e"), { recursive: true });
  }),
  scenario("rm -r takes new, changed and lower entries alike", ({ fs, at }) => {
    fs.writeFileSync(at("d/n"), "n");
    fs.mkdirSync(at("d/sub/nd"));
    fs.writeFileSync(at("d/sub/nd/f"), "f");
    fs.appendFileSync(at("d/x.txt"), "+");
    fs.rmSync(at("d"), { recursive: true });
    fs.existsSync(at("d"));
    fs.readdirSync(at(""));
  }),
  scenario("rm -r does not follow links", ({ fs, at }) => {
    fs.mkdirSync(at("t"));
    fs.symlinkSync("../d", at("t/l"));
    fs.symlinkSync("../a.txt", at("t/f"));
    fs.rmSync(at("t"), { recursive: true });
    fs.readdirSync(at("d"));
    fs.readFileSync(at("a.txt"), "utf8");
    fs.rmSync(at("dlink"), { recursive: true });
    fs.readdirSync(at("d"));
    fs.rmSync(at("dangling"));
    fs.rmSync(at("loop1"));
  }),
  scenario("rm of what is not there", ({ fs, at }) => {
    fs.rmSync(at("missing"));
    fs.rmSync(at("missing/x"), { recursive: true });
    fs.rmSync(at("missing"), { recursive: true, force: true });
    fs.rmSync(at("a.txt/x"), { force: true });
    fs.rmSync(at("a.txt/x"), { recursive: true });
  }),
  scenario("rm with wrong options", ({ fs, at }) => {
    fs.rmSync(at("a.txt"), { recursive: "yes" as unknown as boolean });
    fs.rmSync(at("a.txt"), { force: 1 as unknown as boolean });
    fs.rmSync(at("a.txt"), { maxRetries: -1 });
    fs.rmSync(at("a.txt"), { retryDelay: "1" as unknown as number });
    fs.existsSync(at("a.txt"));
  }),
  scenario("rm by promise and by callback", async ({ fs, at, callback }) => {
    await fs.promises.rm(at("d"), { recursive: true });
    await fs.promises.rm(at("missing"));
    await fs.promises.rm(at("missing"), { force: true });
    await fs.promises.rm(at("e"));
    await callback("rm", at("e"), { recursive: true });
    await callback("rm", at("missing"));
    await callback("unlink", at("a.txt"));
    await fs.promises.unlink(at("b.txt"));
    fs.readdirSync(at(""));
  }),
  scenario("cp of a file keeps its mode", ({ fs, at }) => {
    fs.cpSync(at("run.sh"), at("c.sh"));
    fs.statSync(at("c.sh"));
    fs.readFileSync(at("c.sh"), "utf8");
    fs.cpSync(at("a.txt"), at("e/deep/new/a"));
    fs.readFileSync(at("e/deep/new/a"), "utf8");
  }),
  scenario("cp -r copies a merged tree", ({ fs, at }) => {
    fs.writeFileSync(at("d/n"), "n");
    fs.unlinkSync(at("d/x.txt"));
    fs.appendFileSync(at("d/sub/deep.txt"), "+");
    fs.unlinkSync(at("d/back"));
    fs.cpSync(at("d"), at("c"), { recursive: true, filter: () => true });
    fs.readdirSync(at("c"), { recursive: true });
    fs.readFileSync(at("c/sub/deep.txt"), "utf8");
    fs.statSync(at("c/sub"));
    // Without a filter, releases between 22.17 and 26.9 lose the modes of directories.
    fs.chmodSync(at("d/sub"), 0o755);
    fs.cpSync(at("d"), at("c2"), { recursive: true });
    fs.readdirSync(at("c2"), { recursive: true });
    fs.statSync(at("c2/sub"));
  }),
  scenario("cp of a directory needs recursive", ({ fs, at }) => {
    fs.cpSync(at("d"), at("c"));
    fs.existsSync(at("c"));
  }),
  scenario("cp over what exists", ({ fs, at }) => {
    fs.cpSync(at("a.txt"), at("b.txt"));
    fs.readFileSync(at("b.txt"), "utf8");
    fs.cpSync(at("run.sh"), at("b.txt"), { force: false });
    fs.readFileSync(at("b.txt"), "utf8");
    fs.cpSync(at("run.sh"), at("b.txt"), { force: false, errorOnExist: true });
    fs.cpSync(at("a.txt"), at("d"));
    fs.cpSync(at("d"), at("a.txt"), { recursive: true });
  }),
  scenario("cp of a tree over a tree merges", ({ fs, at }) => {
    fs.mkdirSync(at("e/sub"));
    fs.writeFileSync(at("e/sub/deep.txt"), "before");
    fs.writeFileSync(at("e/own"), "own");
    fs.unlinkSync(at("d/back"));
    fs.cpSync(at("d"), at("e"), { recursive: true });
    fs.readdirSync(at("e"), { recursive: true });
    fs.readFileSync(at("e/sub/deep.txt"), "utf8");
  }),
  scenario("cp of links", ({ fs, at }) => {
    fs.cpSync(at("link"), at("l1"));
    fs.readlinkSync(at("l1"));
    fs.cpSync(at("link"), at("l2"), { verbatimSymlinks: true });
    fs.readlinkSync(at("l2"));
  }),
  // By promise: `cpSync` of later releases refuses these two, by mistake.
  scenario("cp of what a link leads to, and of a dangling link", async ({ fs, at }) => {
    await fs.promises.cp(at("link"), at("l3"), { dereference: true });
    fs.lstatSync(at("l3"));
    await fs.promises.cp(at("dangling"), at("l4"), { verbatimSymlinks: true });
    fs.readlinkSync(at("l4"));
  }),
  scenario("cp into itself is refused", ({ fs, at }) => {
    fs.cpSync(at("d"), at("d/inside"), { recursive: true });
    fs.cpSync(at("d"), at("d"), { recursive: true });
    fs.cpSync(at("a.txt"), at("a.txt"));
    fs.readdirSync(at("d"));
  }),
  scenario("cp with a filter", ({ fs, at }) => {
    fs.cpSync(at("d"), at("c"), {
      recursive: true,
      filter: (source) => !source.endsWith("x.txt") && !source.endsWith("back"),
    });
    fs.readdirSync(at("c"), { recursive: true });
  }),
  scenario("cp keeps times when told to", async ({ fs, at }) => {
    fs.cpSync(at("d/sub"), at("c"), {
      recursive: true,
      preserveTimestamps: true,
      filter: () => true,
    });
    fs.statSync(at("c/deep.txt"));
    await fs.promises.cp(at("d/sub"), at("c2"), { recursive: true, preserveTimestamps: true });
    fs.statSync(at("c2/deeper"));
  }),
  scenario("copyFile of an empty file, over a link and over an empty one", ({ fs, at }) => {
    fs.copyFileSync(at("empty"), at("c"));
    fs.statSync(at("c"));
    fs.copyFileSync(at("empty"), at("h1"));
    fs.statSync(at("h2"));
    fs.copyFileSync(at("a.txt"), at("c"));
    fs.statSync(at("c"));
    fs.copyFileSync(at("d"), at("d/h3"));
    fs.statSync(at("h1"));
  }),
  scenario("cp of what is missing", ({ fs, at }) => {
    fs.cpSync(at("missing"), at("c"));
    fs.cpSync(at("a.txt/x"), at("c"));
    fs.cpSync(at("loop1/x"), at("c"));
  }),
  scenario("cp by promise", async ({ fs, at }) => {
    await fs.promises.cp(at("d/sub"), at("c"), { recursive: true });
    await fs.promises.cp(at("d"), at("c2"));
    await fs.promises.cp(at("missing"), at("c2"));
    await fs.promises.cp(at("a.txt"), at("b.txt"), { force: false, errorOnExist: true });
    await fs.promises.cp(at("d"), at("f"), {
      recursive: true,
      filter: async (source) => !source.endsWith("sub") && !source.endsWith("back"),
    });
    fs.readdirSync(at("c"), { recursive: true });
    fs.readdirSync(at("f"));
  }),
  scenario("cp by callback", async ({ fs, at, callback }) => {
    await callback("cp", at("d/sub"), at("c"), { recursive: true });
    await callback("cp", at("missing"), at("c2"), {});
    await callback("copyFile", at("a.txt"), at("c3"));
    await callback("copyFile", at("missing"), at("c4"));
    fs.readdirSync(at("c"), { recursive: true });
  }),
  scenario("rm -rf of a path through a file, in every form", async ({ fs, at, callback }) => {
    const options = { recursive: true, force: true };
    for (const name of ["a.txt/x", "a.txt/", "link/", "dlink/", "loop1/x", "missing/x"]) {
      await fs.promises.rm(at(name), options);
      await callback("rm", at(name), options);
      fs.rmSync(at(name), options);
    }
    fs.readdirSync(at(""));
  }),
  scenario("rmdir of a link with a slash, where Node has recursive", async (trial) => {
    const { fs, at, callback } = trial;
    const options = { recursive: true } as object;
    fs.rmdirSync(at("dlink/"), options);
    await callback("rmdir", at("dlink/"), options);
    await fs.promises.rmdir(at("dlink/"), options);
    fs.readdirSync(at(""));
  }),
  scenario("rmdir with recursive, where Node still has it", ({ fs, at }) => {
    fs.rmdirSync(at("missing"), { recursive: false } as object);
    fs.rmdirSync(at("e"), { recursive: false } as object);
    fs.existsSync(at("e"));
  }),
];
