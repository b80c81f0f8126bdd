import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isRoot, kernelEngines, openOver, treeOf, writeFiles } from "./sandbox-fixture.ts";

const quiet = { stdio: "ignore" } as const;

// With a clone the launcher is a shell, whose words they are by themselves.
describe.each(kernelEngines)("with engine %s", (engine) => {
  /** What a missing and a forbidden program end with, where PATH begins with this directory. */
  async function codesWith(directory: string, root: string) {
    const { session } = await openOver(root, {
      engine,
      env: { PATH: `${directory}:/usr/bin:/bin` },
    });
    const missing = await session.run("no-such-command", [], quiet);
    const [record] = session.history;
    writeFiles(root, { "forbidden/no-such-command": "" });
    const env = { PATH: `${directory}:${join(root, "forbidden")}:/usr/bin:/bin` };
    const forbidden = await session.run("no-such-command", [], { ...quiet, env });
    const own = await session.run("sh", ["-c", "exit 126"], quiet);
    expect(record?.exitCode).toBe(missing.exitCode);
    return [missing.exitCode, forbidden.exitCode, own.exitCode];
  }

  it("a program is missing, not forbidden, when PATH has a directory of its name", async () => {
    const root = treeOf({});
    mkdirSync(join(root, "bin/no-such-command"), { recursive: true });
    expect(await codesWith(join(root, "bin"), root)).toEqual([127, 126, 126]);
  });

  it("a program is missing, not forbidden, when a directory of PATH cannot be entered", async () => {
    const root = treeOf({});
    const closed = join(root, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o700);
    // Root's commands without root's rights cannot enter it, and others not without the mode's.
    if (isRoot) chownSync(closed, 12_345, 12_345);
    else chmodSync(closed, 0);
    expect(await codesWith(closed, root)).toEqual([127, 126, 126]);
  });

  it("an empty entry of PATH is the working directory, where a file may be forbidden", async () => {
    const root = treeOf({ "d/no-such-command": "" });
    const { session } = await openOver(root, { engine });
    const code = async (path: string, cwd: string) => {
      const env = { PATH: path };
      return (await session.run("no-such-command", [], { ...quiet, cwd, env })).exitCode;
    };
    expect(await code("/usr/bin:", "d")).toBe(126);
    expect(await code("/usr/bin:", "")).toBe(127);
  });
});
