import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SessionOptions } from "../../src/sandbox/session-options.ts";
import { isRoot, kernelEngines, openOver, scratchDirectory, treeOf } from "./sandbox-fixture.ts";

/** Each choice for the home directory, and whether a command's write there is seen, and stays. */
const homes = [
  { home: "discard", isWritable: true, stays: false },
  { home: "read-only", isWritable: false, stays: false },
  { home: "open", isWritable: true, stays: true },
] as const;
const temporaries = [
  { temporary: "private", isWritable: true, stays: false },
  { temporary: "read-only", isWritable: false, stays: false },
  { temporary: "shared", isWritable: true, stays: true },
] as const;
const outsides = [
  { outside: "read-only", isWritable: false },
  { outside: "open", isWritable: true },
] as const;

const matrix = outsides.flatMap((outside) =>
  homes.flatMap((home) => temporaries.map((temporary) => ({ outside, home, temporary }))),
);

/** A directory outside of those for temporary files where this user may write. */
const elsewhere = isRoot ? "/" : undefined;

let home: string;
let probe: string;
const before = process.env["HOME"];

beforeEach(() => {
  home = scratchDirectory();
  process.env["HOME"] = home;
  writeFileSync(join(home, "kept"), "kept\n");
  probe = `draftfs-place-${process.pid}`;
});
afterEach(() => {
  process.env["HOME"] = before;
});

describe.each(kernelEngines)("engine %s", (engine) => {
  it.each(matrix)(
    "outside $outside.outside, home $home.home, temporary $temporary.temporary",
    async (row) => {
      const root = treeOf({ a: "a\n" });
      const beside = scratchDirectory();
      const options: SessionOptions = {
        engine,
        outside: row.outside.outside,
        home: row.home.home,
        temporary: row.temporary.temporary,
      };
      const { sh } = await openOver(root, options);
      const places = [
        { path: join(home, probe), ...row.home },
        { path: join("/tmp", probe), ...row.temporary },
        { path: join("/dev/shm", probe), ...row.temporary },
        ...(elsewhere === undefined
          ? []
          : [{ path: join(elsewhere, probe), ...row.outside, stays: row.outside.isWritable }]),
      ];
      const script = places.map(({ path }) => `echo x > ${path} && cat ${path}`).join("; ");
      const said = await sh(`cat a; (${script}) 2>/dev/null; cat ~/kept; echo b > b; ls ${beside}`);
      const written = places.filter((place) => place.isWritable).map(() => "x\n");
      expect(said.startsWith(`a\n${written.join("")}kept\n`)).toBe(true);
      const stayed = places.filter(({ path }) => existsSync(path)).map(({ path }) => path);
      const { rmSync } = await import("node:fs");
      for (const path of stayed) rmSync(path);
      expect(stayed).toEqual(places.filter((place) => place.stays).map(({ path }) => path));
      expect(existsSync(join(root, "b"))).toBe(false);
    },
  );

  it("tells what work is thrown away with the home directory, once, and no caches", async () => {
    const root = join(home, "workspace/package");
    mkdirSync(root, { recursive: true });
    writeFileSync(join(home, "workspace/gone"), "gone\n");
    const { layer, session } = await openOver(root, { engine });
    const warnings = async (script: string): Promise<string> =>
      (await session.run("sh", ["-c", script], { stdio: "ignore" })).warnings.join("\n");
    const write = "mkdir ~/.cache ../new; echo x | tee ~/.cache/a ../lock ../new/a in; rm ../gone";
    const told = await warnings(write);
    expect(told).toMatch(/thrown away: 3 files \(~\/workspace\/gone, ~\/workspace\/lock, /);
    expect(told).toMatch(/--home open/);
    expect(layer.fs.readFileSync(join(root, "in"), "utf8")).toBe("x\n");
    expect(await warnings("cat ../lock")).toBe("");
    expect(await warnings("sleep 0.02; echo y >> ../lock")).toMatch(
      /thrown away: 1 file \(~\/workspace\/lock\)/,
    );
    const many = await warnings("cd ..; i=0; while [ $i -lt 1500 ]; do : > $i; i=$((i+1)); done");
    expect(many).toMatch(/thrown away: more than \d+ files/);
    const open = await openOver(root, { engine, home: "open" });
    const { warnings: none } = await open.session.run("touch", ["../kept"], { stdio: "ignore" });
    expect(none).toEqual([]);
  });

  it("names what is written beside a tree in a private directory, and no scratch", async () => {
    const root = join(scratchDirectory("/tmp"), "workspace/package");
    mkdirSync(root, { recursive: true });
    const { session } = await openOver(root, { engine });
    const warnings = async (script: string): Promise<string> =>
      (await session.run("sh", ["-c", script], { stdio: "ignore" })).warnings.join("\n");
    const scratch =
      "mkdir -p /tmp/node-compile-cache/v1; echo x | tee $(mktemp) /tmp/a /tmp/*/v1/a";
    expect(await warnings(`${scratch}; echo x > in; mkdir ../empty`)).toBe("");
    const told = await warnings("echo x | tee ../lock ../empty/a ../../outer");
    expect(told).toMatch(/beside the tree is thrown away, because \/tmp is private .*: 3 files \(/);
    expect(told).toContain(join(root, "../lock"));
    expect(told).toContain("--temporary shared");
    expect(await warnings("cat ../lock > copy")).toBe("");
    const { session: shared } = await openOver(root, { engine, temporary: "shared" });
    const { warnings: none } = await shared.run("touch", ["../kept"], { stdio: "ignore" });
    expect([none, existsSync(join(root, "../kept"))]).toEqual([[], true]);
  });

  it("names neighbours and plain files of a tree right in a private directory", async () => {
    const root = scratchDirectory("/tmp");
    const neighbour = scratchDirectory("/tmp");
    const { session } = await openOver(root, { engine });
    const warnings = async (script: string): Promise<string> =>
      (await session.run("sh", ["-c", script], { stdio: "ignore" })).warnings.join("\n");
    const scratch =
      "cd $(mktemp -d) && echo x | tee a ../.hidden; mkdir ../cache; echo x > ../cache/a";
    expect(await warnings(scratch)).toBe("");
    const name = basename(neighbour);
    const told = await warnings(`mkdir ../${name}; echo x | tee ../${name}/a ../sibling.txt`);
    expect(told).toMatch(/: 2 files \(/);
    for (const path of [join(neighbour, "a"), "/tmp/sibling.txt"]) expect(told).toContain(path);
  });

  it("says nothing of temporary files where the tree is elsewhere", async () => {
    const root = join(home, "project");
    mkdirSync(root);
    const { session } = await openOver(root, { engine });
    const { warnings } = await session.run("touch", ["/tmp/a", "../.b"], { stdio: "ignore" });
    expect(warnings).toEqual([]);
  });

  it("keeps a read-only home that lies around the tree, and the tree writable", async () => {
    const root = join(home, "project");
    mkdirSync(root);
    const { layer, sh } = await openOver(root, { engine, outside: "open", home: "read-only" });
    await sh("echo x > ../beside; echo x > in");
    expect(existsSync(join(home, "beside"))).toBe(false);
    expect(layer.fs.readFileSync(join(root, "in"), "utf8")).toBe("x\n");
    expect(existsSync(join(root, "in"))).toBe(false);
  });

  it("opens a home that lies around the tree, and not the tree", async () => {
    const root = join(home, "project");
    mkdirSync(root);
    const { sh } = await openOver(root, { engine, home: "open" });
    await sh("echo x > ../beside; echo x > in");
    expect(existsSync(join(home, "beside"))).toBe(true);
    expect(existsSync(join(root, "in"))).toBe(false);
  });

  it.runIf(isRoot)(
    "says so when the home cannot be laid over, and keeps it read-only",
    async () => {
      const { execFileSync } = await import("node:child_process");
      mkdirSync(join(home, "mounted"));
      execFileSync("mount", ["-t", "tmpfs", "draftfs-test", join(home, "mounted")]);
      try {
        const { session } = await openOver(treeOf({ a: "a\n" }), { engine, outside: "open" });
        const script = "echo x > ~/a; echo x > ~/mounted/a";
        const { notes } = await session.run("sh", ["-c", script], { stdio: "ignore" });
        expect(notes.join(" ")).toContain(home);
        expect(existsSync(join(home, "a"))).toBe(false);
        expect(existsSync(join(home, "mounted/a"))).toBe(false);
      } finally {
        execFileSync("umount", [join(home, "mounted")]);
      }
    },
  );
});

describe.runIf(isRoot).each(kernelEngines)("root's commands over engine %s", (engine) => {
  it("see terminals of their own only, and nothing of the running kernel", async () => {
    const { sh } = await openOver(treeOf({ a: "a\n" }), { engine });
    expect(await sh("ls /dev/pts")).toBe("ptmx\n");
    expect(await sh("script -qec tty /dev/null </dev/null")).toMatch(/^\/dev\/pts\/0\r?\n/);
    const secrets = "/proc/acpi /proc/scsi /proc/kcore /proc/keys /sys/firmware";
    expect(
      await sh(
        `ls -A /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -v :; for f in ${secrets}; do [ ! -e $f ] || head -c 9 $f 2>/dev/null; done`,
      ),
    ).toMatch(/^\n*$/);
  });
});

describe("engine clone", () => {
  it("names what is written beside the copy of the tree", async () => {
    const options = { engine: "clone", require: "cooperative" } as const;
    const { session } = await openOver(treeOf({ a: "a\n" }), options);
    const run = async (script: string) =>
      (await session.run("sh", ["-c", script], { stdio: "ignore" })).warnings;
    expect(await run("echo x > in")).toEqual([]);
    expect((await run("echo x > ../sibling")).join("\n")).toMatch(
      /beside its copy of the tree is thrown away: 1 file \(\.\.\/sibling\)/,
    );
  });
});
