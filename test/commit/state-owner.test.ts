import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { buildCommandLine, commandLinePath } from "../support/built-command-line.ts";

const isRoot = process.geteuid?.() === 0;
/** Somebody whose directory it is. */
const owner = 65534;
let root: string;

beforeAll(buildCommandLine);
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-owner-")));
  fs.writeFileSync(join(root, "file"), "one\n");
  for (const path of [root, join(root, "file")]) if (isRoot) fs.chownSync(path, owner, owner);
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

function asOwner(...args: string[]): { code: number | null; err: string } {
  const drop = [`--reuid=${owner}`, `--regid=${owner}`, "--clear-groups"];
  const command = [process.execPath, commandLinePath, "-C", root, ...args];
  const env = { ...process.env, HOME: "/nonexistent" };
  const { status, stderr } = spawnSync("setpriv", [...drop, ...command], { cwd: "/", env });
  return { code: status, err: stderr.toString() };
}

/** What in the state directory its owner would be kept from. */
function foreign(): string[] {
  const state = join(root, ".draftfs");
  return [".", ...fs.readdirSync(state, { recursive: true, encoding: "utf8" })].filter(
    (path) => fs.lstatSync(join(state, path)).uid !== owner,
  );
}

describe.runIf(isRoot)("what somebody does as root, by sudo, in their own tree", () => {
  beforeEach(() => void vi.stubEnv("SUDO_UID", String(owner)));
  afterEach(() => void vi.unstubAllEnvs());

  it("leaves them all of the state directory", async () => {
    await using overlay = await openOverlay(root, { draft: "main", memoryLimitBytes: 1 << 20 });
    overlay.fs.writeFileSync("file", "two\n");
    overlay.fs.writeFileSync("spilled", Buffer.alloc(2 << 20, "spilled"));
    await overlay.commit();
    expect(fs.statSync(join(root, "spilled")).uid).toBe(0);
    overlay.fs.writeFileSync("file", "three\n");
    await overlay.commit();
    await overlay.undo();
    overlay.fs.writeFileSync("file", "pending\n");
    await overlay.saveDraft();
    await overlay.collectGarbage({ operations: 2 });
    expect(foreign().filter((path) => !/^staging\/spill-.*\//.test(path))).toEqual([]);
  });

  it("can be undone by its owner, who goes on working with it", async () => {
    {
      await using overlay = await openOverlay(root);
      overlay.fs.writeFileSync("file", "two\n");
      await overlay.commit();
    }
    const commands = [["undo"], ["gc"], ["run", "--commit", "--", "rm", "file"]];
    for (const args of commands) expect(asOwner(...args), args[0]).toMatchObject({ code: 0 });
    expect(fs.readdirSync(root)).toEqual([".draftfs"]);
  });
});
