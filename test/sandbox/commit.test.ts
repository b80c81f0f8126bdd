import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nativeCalls } from "../../src/disk/native/native-calls.ts";
import { openOverlay } from "../../src/index.ts";
import { allEngines, kernelEngines, openOver, treeOf } from "./sandbox-fixture.ts";

describe.each(kernelEngines)("commands of engine %s, committed", (engine) => {
  it("conflict with what others changed on the disk meanwhile", async () => {
    const root = treeOf({ a: "a\n", b: "b\n" });
    const overlay = await openOverlay(root, { sandbox: { engine } });
    const script = "cat a > copy; until [ -e go ]; do sleep 0.01; done; echo mine >> a; rm b";
    const running = overlay.run("sh", ["-c", script], { stdio: "ignore" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    appendFileSync(join(root, "a"), "theirs\n");
    appendFileSync(join(root, "b"), "theirs\n");
    overlay.fs.writeFileSync(join(root, "go"), "");
    await running;
    await expect(overlay.commit({ message: "x" })).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
    });
    await overlay.close();
    expect(readFileSync(join(root, "a"), "utf8")).toBe("a\ntheirs\n");
    expect(readFileSync(join(root, "b"), "utf8")).toBe("b\ntheirs\n");
  });
});

describe.each(allEngines)("extended attributes that a command of engine %s sets", (engine) => {
  it.runIf(nativeCalls(0) !== undefined)(
    "are told of, where nothing else has changed",
    async () => {
      const root = treeOf({ given: "1", written: "2", kept: "3", opened: "4", moved: "5" });
      spawnSync("setfattr", ["-n", "user.old", "-v", "old", join(root, "kept")]);
      const { session } = await openOver(root, { engine });
      const run = (script: string) => session.run("sh", ["-c", script], { stdio: "ignore" });
      const script =
        "setfattr -n user.new -v new given && : >> opened && : >> kept && mv moved there";
      const { warnings, exitCode } = await run(`echo x > written; ${script}`);
      // A tmpfs of old kernels has none, and then the command is told so.
      if (exitCode !== 0) return;
      expect(warnings).toEqual([expect.stringMatching(/attributes.* 1 path .*\(given\)/)]);
      expect((await run("echo y > written")).warnings).toEqual([]);
      expect((await run("setfattr -x user.old kept")).warnings).toEqual([
        expect.stringMatching(/attributes.* 1 path .*\(kept\)/),
      ]);
    },
  );

  const lost: readonly [string, string, string | undefined][] = [
    ["a new file", "echo x > new && setfattr -n user.new -v n new", "new"],
    ["a file that is written to", "echo x >> d/f && setfattr -n user.new -v n d/f", "d/f"],
    ["a new directory", "mkdir new && setfattr -n user.new -v n new", "new"],
    ["a directory of the disk", "setfattr -n user.new -v n d", "d"],
    ["one that was removed and made again", "rm -r d && mkdir d && setfattr -n user.x -v n d", "d"],
    ["a copied directory", "cp -a d copy", "copy, copy/f"],
    ["nothing: they are written to", "echo x >> d/f && : > d/new", undefined],
    ["one that was made again without", "rm -r d && mkdir d && echo x > d/f", "d"],
    ["one that was made again, and empty", "rm -r d && mkdir d", "d"],
    ["nothing: they are replaced", "echo x > t && mv t d/f", undefined],
  ];

  it.runIf(nativeCalls(0) !== undefined).each(lost)(
    "are told of on %s",
    async (_, script, names) => {
      const root = treeOf({ "d/f": "1", "other/f": "2" });
      for (const name of ["d", "d/f"]) {
        spawnSync("setfattr", ["-n", "user.of", "-v", name, join(root, name)]);
      }
      const { session } = await openOver(root, { engine });
      const { warnings, exitCode } = await session.run("sh", ["-c", script], { stdio: "ignore" });
      if (exitCode !== 0) return;
      const text = warnings.filter((warning) => warning.includes("xtended attributes")).join();
      if (names === undefined || engine.includes("fuse")) expect(text).toBe("");
      else expect(text).toContain(`(${names})`);
    },
  );

  it.runIf(nativeCalls(0) !== undefined && !engine.includes("fuse"))(
    "are not told of where they move with their file or directory",
    async () => {
      const root = treeOf({ "d/f": "1", file: "2" });
      for (const name of ["d", "d/f", "file"]) {
        spawnSync("setfattr", ["-n", "user.of", "-v", name, join(root, name)]);
      }
      const { session } = await openOver(root, { engine });
      const script = "mv file moved && mkdir in && mv moved in";
      const { warnings } = await session.run("sh", ["-c", script], { stdio: "ignore" });
      expect(warnings).toEqual([]);
    },
  );
});
