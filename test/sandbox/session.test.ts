import { spawnSync } from "node:child_process";
import fs, {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { KernelWorkspace } from "../../src/sandbox/engine/kernel-workspace.ts";
import { allEngines, exportTree, kernelEngines, openOver, treeOf } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

const hasPython = spawnSync("python3", ["-c", ""]).status === 0;

describe.each(allEngines)("a session of engine %s", (engine) => {
  it("shows pending changes to a command and takes its changes into the layer", async () => {
    const root = treeOf({ "a.txt": "lower\n", "d/b.txt": "b\n" });
    const { layer, sh } = await openOver(root, { engine });
    layer.fs.writeFileSync(join(root, "api.txt"), "api\n");
    layer.fs.unlinkSync(join(root, "d/b.txt"));
    const said = await sh("cat api.txt a.txt; ls d; echo new > d/c.txt; echo more >> a.txt");
    expect(said).toBe("api\nlower\n");
    expect(layer.fs.readFileSync(join(root, "a.txt"), "utf8")).toBe("lower\nmore\n");
    expect(layer.fs.readFileSync(join(root, "d/c.txt"), "utf8")).toBe("new\n");
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("lower\n");
    expect(existsSync(join(root, "d/c.txt"))).toBe(false);
    expect(existsSync(join(root, "d/b.txt"))).toBe(true);
  });

  it("shows a command exactly the tree that the layer shows, whatever was done to it", async () => {
    const root = treeOf({ "src/a": "a", "src/deep/b": "b", "docs/c": "c", "x/y/z": "z", f: "f" });
    chmodSync(join(root, "src/a"), 0o755);
    const { layer, session } = await openOver(root, { engine });
    const at = (path: string): string => join(root, path);
    layer.fs.renameSync(at("src"), at("source"));
    layer.fs.writeFileSync(at("source/deep/new"), "new");
    layer.fs.chmodSync(at("source/a"), 0o640);
    layer.fs.rmSync(at("docs"), { recursive: true });
    layer.fs.mkdirSync(at("docs"), 0o750);
    layer.fs.writeFileSync(at("docs/d"), "d");
    layer.fs.symlinkSync("../f", at("docs/link"));
    layer.fs.linkSync(at("docs/d"), at("hard"));
    layer.fs.rmSync(at("x"), { recursive: true });
    layer.fs.writeFileSync(at("x"), "now a file");
    layer.fs.utimesSync(at("f"), 1e9, 1e9);
    const times = (): boolean => true;
    const shown = snapshotOf(fs, await exportTree(session), { times });
    expect(shown).toEqual(snapshotOf(layer.fs, root, { times }));
  });

  it("passes exit codes and signal deaths through", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const quiet = { stdio: "ignore" } as const;
    expect((await session.run("sh", ["-c", "exit 3"], quiet)).exitCode).toBe(3);
    expect((await session.run("no-such-command", [], quiet)).exitCode).toBe(127);
    expect((await session.run("sh", ["-c", "kill -SEGV $$"], quiet)).exitCode).toBe(139);
  });

  it("ends a command that takes too long or is aborted", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const late = await session.run("sleep", ["60"], { stdio: "ignore", timeoutMs: 50 });
    expect(late).toMatchObject({ isTimedOut: true, exitCode: 143 });
    const abort = new AbortController();
    const running = session.run("sleep", ["60"], { stdio: "ignore", signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    expect((await running).exitCode).toBe(143);
  });

  it("lets a command handle the signal that ends it", async () => {
    const { layer, session, root } = await openOver(treeOf({}), { engine });
    const script =
      "trap 'echo bye > said; exit 7' TERM; echo > ready; while :; do sleep 0.05; done";
    const running = await session.spawn("sh", ["-c", script], { stdio: "ignore" });
    while (!layer.fs.existsSync(join(root, "ready"))) {
      await session.harvest();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    running.kill("SIGTERM");
    expect((await running.result).exitCode).toBe(7);
    expect(layer.fs.readFileSync(join(root, "said"), "utf8")).toBe("bye\n");
  });

  it("knows which command changed what", async () => {
    const { session } = await openOver(treeOf({ a: "a", b: "b" }), { engine });
    await session.run("sh", ["-c", "echo x > a; echo y > new"], { stdio: "ignore" });
    await session.run("rm", ["b"], { stdio: "ignore" });
    await session.run("true", [], { stdio: "ignore" });
    expect(session.history.map(({ id, command, changes }) => [id, command, changes])).toEqual([
      [
        1,
        "sh",
        [
          { path: "a", kind: "file" },
          { path: "new", kind: "file" },
        ],
      ],
      [2, "rm", [{ path: "b", kind: "removed" }]],
      [3, "true", []],
    ]);
  });

  it("takes back what was rolled back, also what hid the real tree", async () => {
    const root = treeOf({ a: "real\n", "d/b": "real\n" });
    const { layer, sh } = await openOver(root, { engine });
    const savepoint = layer.savepoint();
    layer.fs.writeFileSync(join(root, "a"), "changed\n");
    layer.fs.rmSync(join(root, "d"), { recursive: true });
    layer.fs.writeFileSync(join(root, "new"), "new\n");
    expect(await sh("cat a new; ls; echo by-command > c")).toBe("changed\nnew\na\nnew\n");
    layer.rollback(savepoint);
    expect(await sh("cat a d/b; ls")).toBe("real\nreal\na\nd\n");
  });

  it("keeps large contents readable across commands and after the session was suspended", async () => {
    const { layer, root, session, sh } = await openOver(treeOf({}), { engine });
    await sh("head -c 3000000 /dev/zero | tr '\\0' a > big");
    const first = layer.fs.readFileSync(join(root, "big"));
    await sh("printf b | dd of=big bs=1 conv=notrunc; head -c 2000000 /dev/zero > second");
    expect(first.equals(Buffer.alloc(3_000_000, "a"))).toBe(true);
    await session.suspend();
    const changed = Buffer.alloc(3_000_000, "a");
    changed.write("b");
    expect((layer.fs.readFileSync(join(root, "big")) as Buffer).equals(changed)).toBe(true);
    expect(layer.fs.statSync(join(root, "second")).size).toBe(2_000_000);
    expect(await sh("wc -c < big; wc -c < second")).toBe("3000000\n2000000\n");
  });

  it("lets commands talk by fifos and sockets, and keeps these out of what is committed", async () => {
    const { layer, root, session, sh } = await openOver(treeOf({}), { engine });
    const fifo = await session.run(
      "sh",
      ["-c", "mkfifo pipe; cat pipe > got & echo in > pipe; wait"],
      {
        stdio: "ignore",
      },
    );
    const talk =
      "const net = require('net'), fs = require('fs'); process.umask(0);" +
      "net.createServer((s) => s.end('said')).listen('socket', () => net.connect('socket')" +
      ".on('data', (d) => { fs.writeFileSync('answer', d); process.exit(); }));";
    const socket = await session.run(process.execPath, ["-e", talk], { stdio: "ignore" });
    expect([fifo.exitCode, socket.exitCode]).toEqual([0, 0]);
    const made = [...fifo.changes, ...socket.changes].map(({ path, kind }) => [path, kind]);
    expect(made.sort()).toEqual([
      ["answer", "file"],
      ["got", "file"],
      ["pipe", "other"],
      ["socket", "other"],
    ]);
    const read = (name: string): unknown => layer.fs.readFileSync(join(root, name), "utf8");
    expect([read("got"), read("answer")]).toEqual(["in\n", "said"]);
    expect(layer.fs.lstatSync(join(root, "pipe")).isFIFO()).toBe(true);
    expect(layer.fs.lstatSync(join(root, "socket")).isSocket()).toBe(true);
    expect(await sh("rm pipe socket; ls")).toBe("answer\ngot\n");
  });

  it("keeps two sessions over one root apart", async () => {
    const root = treeOf({ a: "a\n" });
    const one = await openOver(root, { engine });
    const two = await openOver(root, { engine });
    await Promise.all([one.sh("echo one > a"), two.sh("echo two > a; echo > b")]);
    expect(await one.sh("cat a; ls")).toBe("one\na\n");
    expect(await two.sh("cat a; ls")).toBe("two\na\nb\n");
  });
});

describe.each(kernelEngines)("a session of engine %s", (engine) => {
  it("shows changes of the API to a running command, and the command's on request", async () => {
    const { layer, root, session } = await openOver(treeOf({ a: "a\n" }), { engine });
    const script =
      "until [ -s go ]; do sleep 0.02; done; cat go > answer; until [ -e stop ]; do sleep 0.02; done";
    const running = await session.spawn("sh", ["-c", script], { stdio: "ignore" });
    layer.fs.writeFileSync(join(root, "go"), "went\n");
    while (!layer.fs.existsSync(join(root, "answer"))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      await session.harvest();
    }
    await session.harvest();
    layer.fs.writeFileSync(join(root, "stop"), "");
    expect((await running.result).exitCode).toBe(0);
    expect(layer.fs.readFileSync(join(root, "answer"), "utf8")).toBe("went\n");
  });

  it("wakes a watcher in the command when the API writes", async () => {
    const { layer, root, session } = await openOver(treeOf({ "d/a": "a\n" }), { engine });
    const script =
      "const fs = require('fs'); fs.watch('d', (event, name) => { fs.writeFileSync('seen', name); process.exit(0); }); fs.writeFileSync('ready', '');";
    const running = await session.spawn(process.execPath, ["-e", script], { stdio: "ignore" });
    while (!layer.fs.existsSync(join(root, "ready"))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      await session.harvest();
    }
    layer.fs.writeFileSync(join(root, "d/a"), "changed\n");
    await running.result;
    expect(layer.fs.readFileSync(join(root, "seen"), "utf8")).toBe("a");
  });

  it("kills what a command leaves behind, or keeps it on request", async () => {
    const { layer, root, session } = await openOver(treeOf({}), { engine });
    const daemon =
      "(trap '' HUP TERM; while :; do echo x >> log; sleep 0.01; done) >/dev/null 2>&1 &";
    await session.run("sh", ["-c", `setsid sh -c "${daemon}"; sleep 0.1`], { stdio: "ignore" });
    const size = layer.fs.statSync(join(root, "log")).size;
    await session.run("sleep", ["0.1"], { stdio: "ignore" });
    expect(layer.fs.statSync(join(root, "log")).size).toBe(size);
    await session.run("sh", ["-c", `setsid sh -c "${daemon}"; sleep 0.1`], {
      stdio: "ignore",
      keepDaemons: true,
    });
    const later = layer.fs.statSync(join(root, "log")).size;
    await session.run("sleep", ["0.2"], { stdio: "ignore" });
    expect(layer.fs.statSync(join(root, "log")).size).toBeGreaterThan(later);
    await session.suspend();
  });

  it("does not wait for what a command leaves behind, and returns all that it printed", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const script = "sleep 600 & echo said; exit 4";
    const running = await session.spawn("sh", ["-c", script], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    running.child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    expect((await running.result).exitCode).toBe(4);
    expect(said).toBe("said\n");
  });

  it("does not let the end of one command kill the next", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const quiet = { stdio: "ignore" } as const;
    for (let round = 0; round < 5; round++) {
      const first = session.run("true", [], quiet);
      const second = session.run("sleep", ["0.05"], quiet);
      const third = first.then(() => session.run("sleep", ["0.02"], quiet));
      const ends = await Promise.all([first, second, third]);
      expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    }
  });

  it.runIf(hasPython && process.arch === "x64")(
    "ends a process that has made itself a child of the launcher",
    async () => {
      const { layer, root, session } = await openOver(treeOf({}), { engine });
      const script = [
        "import ctypes, os, time",
        // clone(CLONE_PARENT | SIGCHLD)
        "if ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:",
        "  while True: open('a', 'a').write('more'); time.sleep(0.01)",
        "while not os.path.exists('a'): time.sleep(0.01)",
      ].join("\n");
      await session.run("python3", ["-c", script], { stdio: "ignore" });
      const { size } = layer.fs.statSync(join(root, "a"));
      expect(size).toBeGreaterThan(0);
      await sleep(100);
      await session.run("true", [], { stdio: "ignore" });
      expect(layer.fs.statSync(join(root, "a")).size).toBe(size);
    },
  );

  it("looks for changes again after every command, and not in between", async () => {
    const { layer, root, session, sh } = await openOver(treeOf({ a: "a\n" }), { engine });
    expect(await sh("echo b > b")).toBe("");
    const looks = vi.spyOn(KernelWorkspace.prototype, "harvest");
    try {
      expect(await session.harvest()).toEqual([]);
      layer.fs.writeFileSync(join(root, "c"), "c\n");
      expect(await session.harvest()).toEqual([]);
      expect(looks).not.toHaveBeenCalled();
      expect(await sh("cat c; echo more >> b; rm a")).toBe("c\n");
      expect(looks).toHaveBeenCalled();
    } finally {
      looks.mockRestore();
    }
    expect(layer.fs.readFileSync(join(root, "b"), "utf8")).toBe("b\nmore\n");
    expect(layer.fs.existsSync(join(root, "a"))).toBe(false);
  });

  it("keeps times to the nanosecond", async () => {
    const { layer, root, sh } = await openOver(treeOf({ a: "a" }), { engine });
    await sh("touch -d '2001-02-03 04:05:06.123456789 UTC' a; echo > b; touch -d @1.000000001 b");
    expect(layer.fs.statSync(join(root, "a"), { bigint: true }).mtimeNs).toBe(
      981_173_106_123_456_789n,
    );
    expect(layer.fs.statSync(join(root, "b"), { bigint: true }).mtimeNs).toBe(1_000_000_001n);
  });

  it("takes note of what it cannot read itself", async () => {
    const { layer, root, sh } = await openOver(treeOf({ a: "a" }), { engine });
    await sh("mkdir locked; echo x > locked/in; chmod 0 locked/in locked; echo y > b; chmod 0 b");
    layer.fs.chmodSync(join(root, "locked"), 0o700);
    layer.fs.chmodSync(join(root, "locked/in"), 0o600);
    layer.fs.chmodSync(join(root, "b"), 0o600);
    expect(layer.fs.readFileSync(join(root, "locked/in"), "utf8")).toBe("x\n");
    expect(layer.fs.readFileSync(join(root, "b"), "utf8")).toBe("y\n");
  });

  // binpash/try#104, can1357/oh-my-pi#4621.
  it("gives a base that matches nothing to what changed below while the command ran", async () => {
    const root = treeOf({ a: "a\n", b: "b\n", c: "c\n" });
    const { layer, session } = await openOver(root, { engine });
    const script =
      "cat a > copy; until [ -e go ]; do sleep 0.01; done; echo mine >> a; rm c; echo > b";
    const running = await session.spawn("sh", ["-c", script], { stdio: "ignore" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    appendFileSync(join(root, "a"), "theirs\n");
    writeFileSync(join(root, "c"), "theirs\n");
    layer.fs.writeFileSync(join(root, "go"), "");
    await running.result;
    const bases = new Map([...layer.pending()].map((entry) => [entry.path, entry.base]));
    const real = (path: string): bigint => statSync(join(root, path), { bigint: true }).ctimeNs;
    expect(bases.get("a")?.stamp.ctimeNs).not.toBe(real("a"));
    expect(bases.get("c")?.stamp.ctimeNs).not.toBe(real("c"));
    expect(bases.get("b")?.stamp.ctimeNs).toBe(real("b"));
  });

  it.runIf(hasPython)("notices what is written by a memory map, which moves no time", async () => {
    const { layer, root, session, sh } = await openOver(treeOf({ a: "lower\n" }), { engine });
    layer.fs.writeFileSync(join(root, "pushed"), "pushed\n");
    await sh("echo more >> a; echo x > linked; ln linked twin; head -c 3000000 /dev/zero > big");
    const write =
      "import mmap,sys\nfor name in sys.argv[1:]:\n f = open(name, 'r+b'); m = mmap.mmap(f.fileno(), 0)\n" +
      " m[0]; m[0] = 65; m.close()";
    const quiet = { stdio: "ignore" } as const;
    const names = ["a", "pushed", "linked", "big"];
    const result = await session.run("python3", ["-c", write, ...names], quiet);
    const paths = result.changes.map(({ path }) => path);
    expect(paths).toEqual(["a", "big", "linked", "pushed", "twin"]);
    const read = (name: string): unknown => layer.fs.readFileSync(join(root, name), "latin1");
    expect([read("a"), read("pushed")]).toEqual(["Aower\nmore\n", "Aushed\n"]);
    expect([read("linked"), read("twin")]).toEqual(["A\n", "A\n"]);
    expect(String(read("big")).slice(0, 2)).toBe("A\0");
    expect(layer.fs.statSync(join(root, "twin")).nlink).toBe(2);
    expect((await session.run("cat", names, quiet)).changes).toEqual([]);
  });

  // The server of a FUSE mount spills what does not fit into memory.
  it.skipIf(engine === "fuse")(
    "says so when the memory for uncommitted writes is full, and loses nothing else",
    async () => {
      const { layer, root, session } = await openOver(treeOf({ a: "a\n" }), {
        engine,
        uncommittedBytesMax: 4 * 1024 * 1024,
      });
      const script = "echo small > small; dd if=/dev/zero of=big bs=1M count=16 2> said";
      const result = await session.run("sh", ["-c", script], { stdio: "ignore" });
      expect(result.exitCode).not.toBe(0);
      expect(result.warnings.join()).toMatch(/ENOSPC/);
      expect(layer.fs.readFileSync(join(root, "small"), "utf8")).toBe("small\n");
      const after = await session.run("rm", ["big"], { stdio: "ignore" });
      expect(after.warnings.join()).not.toMatch(/ENOSPC/);
    },
  );

  it("says so when it changes one of several names of a file, and only then", async () => {
    const root = treeOf({ a: "a\n", b: "b\n", c: "c\n", "dir/in": "", alone: "d\n" });
    for (const name of ["a", "b", "c"]) linkSync(join(root, name), join(root, `twin of ${name}`));
    const { session } = await openOver(root, { engine });
    const script =
      "echo x >> a; chmod 600 b; touch -d 2001-02-03 c; rm -r dir; echo x > dir; echo x >> alone";
    const result = await session.run("sh", ["-c", script], { stdio: "ignore" });
    const said = result.warnings.filter((warning) => /further names on the disk/.test(warning));
    // A FUSE mount changes all of them.
    if (engine === "fuse") expect(said).toEqual([]);
    else expect(said).toEqual([expect.stringMatching(/^1 changed file has .*\(a\)/)]);
  });

  it("bounds processor time and file size", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const limits = { cpuSeconds: 1, fileBytes: 1_000_000, memoryBytes: 512 * 1024 * 1024 };
    const quiet = { stdio: "ignore", limits } as const;
    const spin = await session.run("sh", ["-c", "while :; do :; done"], quiet);
    expect(spin.exitCode).toBe(128 + 9);
    const write = await session.run("sh", ["-c", "exec head -c 2000000 /dev/zero > f"], quiet);
    expect(write.exitCode).not.toBe(0);
  });
});
