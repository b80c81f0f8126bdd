import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openLayer } from "../../src/overlay/layer.ts";
import { startWorkspace } from "../../src/sandbox/engine/engine-choice.ts";
import { EngineVerdicts } from "../../src/sandbox/engine/engine-verdicts.ts";
import { KernelWorkspace } from "../../src/sandbox/engine/kernel-workspace.ts";
import { LentContents } from "../../src/sandbox/harvest/lent-contents.ts";
import { PinnedTree } from "../../src/sandbox/harvest/pinned-tree.ts";
import { canMountLayers, LayeredRoot } from "../support/layered-root.ts";
import { isRoot, openOver, treeOf } from "./sandbox-fixture.ts";

/** Small directories that belong to root on every system. */
const rootsOwn = ["/etc/skel", "/etc/security", "/etc/default"].find((path) => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && readdirSync(path).length > 0;
});

describe("over a FUSE mount", () => {
  it("a directory that is on the disk can be renamed", async () => {
    const root = treeOf({ "src/a": "a\n", "src/deep/b": "b\n" });
    const { layer, session } = await openOver(root, { engine: "fuse" });
    const script =
      "fs.renameSync('src', 'source'); fs.renameSync('source/deep', 'deep');" +
      "fs.writeFileSync('source/c', 'c');";
    const result = await session.run(process.execPath, ["-e", script], { stdio: "ignore" });
    expect([result.exitCode, result.notes]).toEqual([0, []]);
    expect(layer.fs.readdirSync(root).sort()).toEqual(["deep", "source"]);
    expect(layer.fs.readdirSync(join(root, "source")).sort()).toEqual(["a", "c"]);
    expect(layer.fs.readFileSync(join(root, "deep/b"), "utf8")).toBe("b\n");
    expect(readdirSync(root)).toEqual(["src"]);
  });

  it("a denied file of the draft can neither be read nor deleted", async () => {
    const root = treeOf({ a: "a\n" });
    const { layer, sh } = await openOver(root, { engine: "fuse", denyRead: ["*.key"] });
    layer.fs.writeFileSync(join(root, "b.key"), "secret\n");
    expect(await sh("cat b.key 2>/dev/null; rm -f b.key 2>/dev/null; cat a")).toBe("a\n");
    expect(layer.fs.readFileSync(join(root, "b.key"), "utf8")).toBe("secret\n");
  });

  it.skipIf(isRoot || rootsOwn === undefined)(
    "a user changes what belongs to others, without being asked for the engine",
    async () => {
      const root = rootsOwn ?? "";
      const { layer, session } = await openOver(root, {});
      const name = readdirSync(root).find((entry) => statSync(join(root, entry)).isFile()) ?? "";
      const script = `chmod u+w ${name}; echo more >> ${name} && echo new > draftfs-new`;
      const result = await session.run("sh", ["-c", script], { stdio: "ignore" });
      expect([result.engine, result.exitCode]).toEqual(["fuse", 0]);
      const [changed, made] = [name, "draftfs-new"].map((entry) =>
        layer.fs.lstatSync(join(root, entry)),
      );
      expect([changed?.uid, made?.uid]).toEqual([0, process.geteuid?.()]);
      expect(String(layer.fs.readFileSync(join(root, name)))).toMatch(/more\n$/);
    },
  );

  it.runIf(isRoot)("a tree with a mount in it is shown, without being asked for", async () => {
    const root = treeOf({ a: "a\n" });
    mkdirSync(join(root, "mounted"));
    execFileSync("mount", ["-t", "tmpfs", "draftfs-test", join(root, "mounted")]);
    try {
      writeFileSync(join(root, "mounted/b"), "b\n");
      const { layer, session } = await openOver(root, {});
      const script = "cat a mounted/b > c; echo x >> mounted/b";
      const result = await session.run("sh", ["-c", script], { stdio: "ignore" });
      expect([result.engine, result.exitCode]).toEqual(["fuse", 0]);
      expect(layer.fs.readFileSync(join(root, "c"), "utf8")).toBe("a\nb\n");
      expect(layer.fs.readFileSync(join(root, "mounted/b"), "utf8")).toBe("b\nx\n");
    } finally {
      execFileSync("umount", ["-l", join(root, "mounted")]);
    }
  });
});

describe("what a FUSE mount shows of changes beside it", () => {
  it("a running command sees names that others make and remove on the disk after a second", async () => {
    const root = treeOf({ "plain/a": "", "changed/a": "" });
    const { layer, session } = await openOver(root, { engine: "fuse" });
    layer.fs.writeFileSync(join(root, "changed/own"), "");
    const script = "echo plain/* changed/*; read -r _; ls plain changed | tr '\\n' ' '";
    const running = await session.spawn("sh", ["-c", script], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const { stdin, stdout } = running.child;
    let said = "";
    const listed = new Promise<void>((resolve) => {
      stdout?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("\n")) resolve();
      });
    });
    await listed;
    for (const directory of ["plain", "changed"]) {
      rmSync(join(root, directory, "a"));
      writeFileSync(join(root, directory, "b"), "");
    }
    await sleep(1100);
    stdin?.end("\n");
    await running.result;
    expect(said.trim().replace(/\s+/g, " ")).toBe(
      "plain/a changed/a changed/own changed: b own plain: b",
    );
  });

  it("a running command sees what others have done to what it has read, after a second", async () => {
    const names = ["rewritten", "grown", "replaced", "gone", "touched", "link"];
    const files = Object.fromEntries(names.map((name) => [`d/${name}`, "old\n"]));
    const root = treeOf({
      ...files,
      "d/kept": "old\n",
      "e/sub/deep": "old\n",
      "e/t/deep": "new\n",
    });
    const at = (name: string): string => join(root, "d", name);
    rmSync(at("link"));
    symlinkSync("kept", at("link"));
    utimesSync(at("touched"), 2000, 2000);
    const { session } = await openOver(root, { engine: "fuse" });
    const look =
      "cd d; for f in rewritten grown replaced gone come; do cat $f 2>&- || echo no $f; done; " +
      "stat -c %Y touched; readlink link; cat kept own ../e/sub/deep; cd ..";
    const running = await session.spawn(
      "sh",
      ["-c", `echo own > d/own; ${look}; { ${look}; } >/dev/null; echo; read -r _; ${look}`],
      { stdio: ["pipe", "pipe", "ignore"] },
    );
    const { stdin, stdout } = running.child;
    let said = "";
    const looked = new Promise<void>((resolve) => {
      stdout?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("\n\n")) resolve();
      });
    });
    await looked;
    writeFileSync(at("rewritten"), "new\n");
    writeFileSync(at("grown"), "old\nmore\n");
    writeFileSync(join(root, "t"), "new\n");
    renameSync(join(root, "t"), at("replaced"));
    rmSync(at("gone"));
    writeFileSync(at("come"), "new\n");
    utimesSync(at("touched"), 1000, 1000);
    rmSync(at("link"));
    symlinkSync("own", at("link"));
    renameSync(join(root, "e/sub"), join(root, "e/was"));
    renameSync(join(root, "e/t"), join(root, "e/sub"));
    await sleep(1100);
    stdin?.end("\n");
    await running.result;
    const [before, after] = said.split("\n\n").map((text) => text.split("\n"));
    expect(before?.join(" ")).toBe("old old old old no come 2000 kept old own old");
    expect(after?.join(" ").trim()).toBe("new old more new no gone new 1000 own old own new");
  });

  it("a running command sees names that the API makes and removes", async () => {
    const root = treeOf({ "d/a": "", "d/b": "" });
    const { layer, session } = await openOver(root, { engine: "fuse" });
    const wait = 'ls d; echo listed; until [ "$(ls d | tr -d "\\n")" = bc ]; do sleep 0.01; done';
    const running = await session.spawn("sh", ["-c", wait], {
      stdio: ["ignore", "pipe", "ignore"],
      timeoutMs: 30_000,
    });
    await new Promise<void>((resolve) => {
      running.child.stdout?.on("data", (chunk: Buffer) => {
        if (chunk.includes("listed")) resolve();
      });
    });
    layer.fs.rmSync(join(root, "d/a"));
    layer.fs.writeFileSync(join(root, "d/c"), "");
    expect((await running.result).exitCode).toBe(0);
  });

  it("what a command did is told at once, and is what each look would tell", async () => {
    const root = treeOf({ gone: "gone\n", kept: "kept\n", deep: "deep\n" });
    const { layer, session } = await openOver(root, { engine: "fuse" });
    const open = vi.spyOn(PinnedTree.prototype, "open");
    onTestFinished(() => open.mockRestore());
    const script =
      "mkdir m; for i in 1 2 3 4 5 6 7 8; do echo $i >m/$i; done; ln m/1 m/one; ln -s 1 m/link; " +
      "mkfifo m/fifo; rm gone; chmod 600 kept; mv deep m/; seq 100000 >large";
    const made = await session.run("sh", ["-c", script], { stdio: "ignore" });
    // Large files stay where they are.
    expect(open.mock.calls.map(([path]) => path)).toEqual(["large"]);
    expect(made.changes).toHaveLength(17);
    expect(layer.fs.readFileSync(join(root, "m/one"), "utf8")).toBe("1\n");
    expect(layer.fs.readFileSync(join(root, "m/deep"), "utf8")).toBe("deep\n");
    // While something runs everything is looked at, file by file.
    const running = await session.spawn("sleep", ["60"], { stdio: "ignore" });
    expect(await session.harvest()).toEqual([]);
    running.kill("SIGKILL");
    expect((await running.result).changes).toEqual([]);
  });

  it.runIf(isRoot && canMountLayers())(
    "a tree is shown over which the kernel lays nothing more, and that is found out once",
    async () => {
      using inner = new LayeredRoot((lower) => writeFileSync(join(lower, "a"), "a\n"));
      using root = new LayeredRoot(() => undefined, { lower: inner.path });
      const known = new EngineVerdicts();
      const start = vi.spyOn(KernelWorkspace, "start");
      onTestFinished(() => start.mockRestore());
      const triedOver = async (): Promise<readonly (string | undefined)[]> => {
        start.mockClear();
        const layer = openLayer({ root: root.path });
        const contents = new LentContents();
        const context = { layer, contents, options: {} };
        const { workspace, passedOver } = await startWorkspace(context, known);
        await workspace.stop();
        contents.close();
        layer.close();
        expect(workspace.engine).toBe("fuse");
        expect(passedOver.map(({ reason }) => reason)).toEqual([
          expect.stringContaining("wrong fs type"),
          expect.stringContaining("wrong fs type"),
        ]);
        return start.mock.calls.map(([{ engine }]) => engine);
      };
      expect(await triedOver()).toEqual(["overlay", "overlay-user", "fuse"]);
      expect(await triedOver()).toEqual(["fuse"]);
    },
  );
});
