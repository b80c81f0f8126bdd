import { spawn } from "node:child_process";
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isRoot, kernelEngines, openOver, scratchDirectory, treeOf } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

const files = { "file.txt": "real\n", "dir/in.txt": "in\n" };

/** Scripts that try to reach the real tree; `$ROOT` is its path, `$OUT` a directory beside it. */
const escapes: readonly { readonly name: string; readonly script: string }[] = [
  { name: "unmounting the overlay", script: "umount $ROOT; umount -l $ROOT; echo x > file.txt" },
  { name: "remounting the rest", script: "mount -o remount,rw,bind /; echo x > $OUT/new" },
  {
    name: "a bind mount of the disk",
    script: "mkdir m; mount --rbind / m; echo x > m$OUT/new; echo x > m$ROOT/file.txt",
  },
  {
    name: "namespaces of its own",
    script:
      "unshare -Urm sh -c 'umount $ROOT; umount -l $ROOT; mount -o remount,rw,bind /; " +
      "mount --rbind / /mnt; echo x > $OUT/new; echo x > /mnt$ROOT/file.txt; echo x > file.txt'",
  },
  {
    name: "the root of process 1",
    script: "echo x > /proc/1/root$ROOT/file.txt; echo x > /proc/1/root$OUT/new",
  },
  {
    name: "descriptors of process 1",
    script:
      "for f in 6 7 8 9; do echo x > /proc/1/fd/$f/upper/forged; echo x > /proc/1/fd/$f/file.txt; done",
  },
  {
    name: "every root, working directory and descriptor that /proc shows",
    script:
      "for f in /proc/*/root /proc/*/cwd /proc/*/fd/* /proc/self/task/*/fd/*; do echo x > $f/new; " +
      "echo x > $f$OUT/new; echo x > $f$ROOT/file.txt; done",
  },
  {
    name: "a recursive bind mount with a new process namespace, uncovered there",
    script:
      "mkdir m; unshare -Urmpf --mount-proc sh -c 'mount --rbind $ROOT/.. m; umount -l m/tree; " +
      "echo x > m/tree/file.txt; umount -R -l $ROOT; echo x > $ROOT/file.txt; echo x > m/out/new'",
  },
  {
    name: "the namespaces of process 1",
    script:
      'nsenter -t 1 -m -U sh -c "umount -l $ROOT; echo x > $ROOT/file.txt"; nsenter -t 1 -m sh -c "umount -l $ROOT"; echo x > $OUT/new',
  },
  {
    name: "hard links out and in",
    script: "ln file.txt $OUT/hard; ln $OUT/other.txt hard && echo x >> hard",
  },
  {
    name: "the parent directory",
    script:
      "echo x > ../out/new; cd dir && echo x > ../../out/new2; cd $ROOT/../out && echo x > new3",
  },
  {
    name: "a link out of the tree",
    script: "ln -s $OUT/other.txt l; echo x >> l; ln -s $OUT d; echo x > d/new",
  },
  {
    name: "processes of the host",
    script: "kill -0 $HOST_PID && echo x > /proc/$HOST_PID/root$OUT/new",
  },
  {
    name: "a disk device",
    script:
      "mknod disk b 254 0; mknod disk b 8 0; dd if=disk of=got count=1; for d in /dev/vda /dev/sda /dev/nvme0n1; do dd if=$d of=got count=1; done; [ ! -s got ]",
  },
  {
    name: "switches of the kernel",
    script:
      'for f in /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness; do v=$(cat $f); echo "$v" > $f && echo $f >> leaked; done; echo h > /proc/sysrq-trigger && echo sysrq >> leaked',
  },
];

describe.each(kernelEngines)("engine %s", (engine) => {
  it.each(escapes)("refuses to let a command out by $name", async ({ script }) => {
    const root = treeOf(files);
    const out = join(root, "..", "out");
    mkdirSync(out);
    writeFileSync(join(out, "other.txt"), "other\n");
    const host = spawn("sleep", ["60"]);
    const before = snapshotOf(fs, join(root, ".."), { exactTimes: true });
    const { layer, session } = await openOver(root, { engine, temporary: "read-only" });
    const env = { ROOT: root, OUT: out, HOST_PID: String(host.pid) };
    await session.run("sh", ["-c", script], { stdio: "ignore", env });
    host.kill();
    expect(snapshotOf(fs, join(root, ".."), { exactTimes: true })).toEqual(before);
    expect(layer.fs.existsSync(join(root, "leaked"))).toBe(false);
  });

  it("does not write through a directory that this process stands in", async () => {
    const root = treeOf(files);
    const { sh } = await openOver(root, { engine });
    const cwd = process.cwd();
    process.chdir(root);
    try {
      await sh("echo x > relative; echo x > dir/relative");
    } finally {
      process.chdir(cwd);
    }
    expect(existsSync(join(root, "relative"))).toBe(false);
    expect(existsSync(join(root, "dir/relative"))).toBe(false);
  });

  it("never follows a link that a command planted, neither pushing nor harvesting", async () => {
    const root = treeOf(files);
    const out = scratchDirectory();
    writeFileSync(join(out, "in.txt"), "outside\n");
    const { layer, session, sh } = await openOver(root, { engine, temporary: "read-only" });
    const script = `rm -r dir file.txt; ln -s ${out} dir; ln -s ${out}/in.txt file.txt; echo ready; sleep 60`;
    const running = await session.spawn("sh", ["-c", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await new Promise((resolve) => running.child.stdout?.once("data", resolve));
    // The layer does not know of the links yet.
    layer.fs.writeFileSync(join(root, "dir/in.txt"), "pushed\n");
    layer.fs.writeFileSync(join(root, "file.txt"), "pushed\n");
    layer.fs.chmodSync(join(root, "dir"), 0o700);
    session.push();
    expect(readFileSync(join(out, "in.txt"), "utf8")).toBe("outside\n");
    await session.harvest();
    layer.fs.rmSync(join(root, "dir"), { recursive: true, force: true });
    layer.fs.mkdirSync(join(root, "dir"));
    layer.fs.writeFileSync(join(root, "dir/in.txt"), "again\n");
    session.push();
    running.kill("SIGKILL");
    await running.result;
    expect(readFileSync(join(out, "in.txt"), "utf8")).toBe("outside\n");
    expect(readdirSync(out)).toEqual(["in.txt"]);
    expect(await sh("cat file.txt dir/in.txt")).toBe("pushed\nagain\n");
  });

  it("is not led out by a command that swaps directories and links all the time", async () => {
    const root = treeOf(files);
    const out = scratchDirectory();
    mkdirSync(join(out, "deeper"));
    writeFileSync(join(out, "in.txt"), "outside\n");
    const { layer, session } = await openOver(root, { engine, temporary: "read-only" });
    const swap = `mv dir kept; ln -s ${out} dir; rm dir; ln -s .. dir; rm dir; mv kept dir`;
    const script = `echo ready; while [ ! -e stop ]; do ${swap}; done`;
    const running = await session.spawn("sh", ["-c", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await new Promise((resolve) => running.child.stdout?.once("data", resolve));
    for (let round = 0; round < 60; round++) {
      // Whatever the layer has taken for `dir` by now, this makes it a directory again.
      layer.fs.rmSync(join(root, "dir"), { recursive: true, force: true });
      layer.fs.mkdirSync(join(root, "dir"));
      layer.fs.writeFileSync(join(root, "dir/in.txt"), `pushed ${round}\n`);
      layer.fs.writeFileSync(join(root, "dir/new.txt"), "new\n");
      session.push();
      await session.harvest();
    }
    layer.fs.writeFileSync(join(root, "stop"), "");
    session.push();
    running.kill("SIGKILL");
    await running.result;
    expect(readFileSync(join(out, "in.txt"), "utf8")).toBe("outside\n");
    expect(readdirSync(out).sort()).toEqual(["deeper", "in.txt"]);
    expect(existsSync(join(root, "stop"))).toBe(false);
  });

  it("works on a tree that lies where the command gets a private directory", async () => {
    for (const place of ["/dev/shm", "/var/tmp", "/run"]) {
      let root: string;
      try {
        root = mkdtempSync(join(place, "draftfs-sandbox-"));
      } catch {
        // This user may not write there.
        continue;
      }
      writeFileSync(join(root, "a"), "a\n");
      const { layer, session, sh } = await openOver(root, { engine });
      expect(await sh("pwd; cat a; echo b > b")).toBe(`${root}\na\n`);
      expect(layer.fs.readFileSync(join(root, "b"), "utf8")).toBe("b\n");
      await session.close();
      rmSync(root, { recursive: true });
    }
  });

  it("gives the command its own user, without any right over the sandbox", async () => {
    const { sh } = await openOver(treeOf(files), { engine });
    const id = await sh("id -u; id -g; cat /proc/self/status | grep CapEff; cat /proc/1/environ");
    expect(id.split("\n").slice(0, 2)).toEqual([
      String(process.geteuid?.()),
      String(process.getegid?.()),
    ]);
    expect(id).toMatch(/Permission denied/);
  });

  it("keeps the rest of the disk read-only, throws the home away and gives a private /tmp", async () => {
    const root = treeOf(files);
    const home = process.env["HOME"] ?? "/";
    const { sh } = await openOver(root, { engine });
    const probe = `draftfs-probe-${process.pid}`;
    const said = await sh(
      `for d in / /etc /usr /var; do (: > $d/${probe}) 2>/dev/null && echo wrote $d; done; ` +
        `for d in ~ /tmp /var/tmp /dev/shm; do echo x > $d/${probe} && cat $d/${probe}; done; ls -A /tmp`,
    );
    expect(said).not.toMatch(/wrote/);
    expect(said.match(/^x$/gm)).toHaveLength(4);
    for (const directory of [home, "/tmp", "/var/tmp", "/dev/shm"]) {
      expect(existsSync(join(directory, probe))).toBe(false);
    }
  });

  it("hides sockets and agents of the host", async () => {
    process.env["SSH_AUTH_SOCK"] = "/run/agent.sock";
    const { sh } = await openOver(treeOf(files), { engine });
    expect(await sh('echo "[$SSH_AUTH_SOCK]"; ls -A /run | grep -v ^mount')).toBe("[]\n");
    delete process.env["SSH_AUTH_SOCK"];
  });

  it("cuts the network off when asked to", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const script = `node -e 'require("net").connect(${port}, "127.0.0.1").on("connect", () => { console.log("in"); process.exit() }).on("error", (e) => console.log(e.code))'`;
    const on = await openOver(treeOf(files), { engine });
    expect(await on.sh(script)).toBe("in\n");
    const off = await openOver(treeOf(files), { engine, network: "off" });
    expect(await off.sh(script)).toMatch(/ECONNREFUSED|ENETUNREACH/);
    server.close();
  });

  it("does not let a command read what is denied, on the disk or pending", async () => {
    const root = treeOf({
      ...files,
      ".env": "SECRET=1\n",
      "sub/.env": "SECRET=2\n",
      "keys/k": "3",
    });
    symlinkSync(".env", join(root, "link"));
    const outside = scratchDirectory();
    writeFileSync(join(outside, "token"), "SECRET=4");
    const { layer, sh } = await openOver(root, {
      engine,
      temporary: "read-only",
      denyRead: ["**/.env", "keys", join(outside, "token")],
    });
    layer.fs.mkdirSync(join(root, "new"));
    layer.fs.writeFileSync(join(root, "new/.env"), "SECRET=5\n");
    // The kernel's overlay on top of a FUSE mount hides a name without asking what is below.
    const remove = engine === "fuse" && !isRoot ? "true" : "rm -f .env";
    const said = await sh(`cat .env sub/.env link keys/k ${outside}/token new/.env; ${remove}`);
    expect(said).not.toMatch(/SECRET/);
    expect(layer.fs.readFileSync(join(root, ".env"), "utf8")).toBe("SECRET=1\n");
    expect(layer.fs.readFileSync(join(root, "new/.env"), "utf8")).toBe("SECRET=5\n");
  });

  it("hides the state directory and keeps it from the command", async () => {
    const root = treeOf({ ...files, ".draftfs/format": "draftfs 1\n" });
    const { layer, sh } = await openOver(root, { engine });
    expect(
      await sh("ls -A; cat .draftfs/format 2>&1; mkdir .draftfs; echo x > .draftfs/format"),
    ).toMatch(/^dir\nfile.txt\ncat: .*No such file/);
    expect(readFileSync(join(root, ".draftfs/format"), "utf8")).toBe("draftfs 1\n");
    expect(layer.fs.readdirSync(root)).toEqual(["dir", "file.txt"]);
  });

  // binpash/try#19, #38, #52, #62, #86, containers/bubblewrap#680, #685.
  it.runIf(isRoot && engine !== "fuse")(
    "refuses a tree that holds a mount, and says which",
    async () => {
      const root = treeOf(files);
      const { execFileSync } = await import("node:child_process");
      execFileSync("mount", ["-t", "tmpfs", "draftfs-test", join(root, "dir")]);
      try {
        const { session } = await openOver(root, { engine });
        await expect(session.run("true")).rejects.toMatchObject({
          code: "DRAFT_ISOLATION",
          message: expect.stringContaining(join(root, "dir")),
        });
      } finally {
        execFileSync("umount", [join(root, "dir")]);
      }
    },
  );
});
