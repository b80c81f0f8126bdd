import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nativeCalls } from "../../src/disk/native-calls.ts";
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
      expect(warnings).toEqual([expect.stringMatching(/attributes.* 1 file .*\(given\)/)]);
      expect((await run("echo y > written")).warnings).toEqual([]);
      expect((await run("setfattr -x user.old kept")).warnings).toEqual([
        expect.stringMatching(/attributes.* 1 file .*\(kept\)/),
      ]);
    },
  );
});
