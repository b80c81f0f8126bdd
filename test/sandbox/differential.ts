import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Engine } from "../../src/sandbox/session-options.ts";
import { type CommandCase, caseFiles } from "./command-cases.ts";
import { openOver, scratchDirectory, treeOf } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

/** Whether this machine has the programs that a case needs. */
export function canRun(command: CommandCase): boolean {
  return (command.needs ?? []).every(
    (name) => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0,
  );
}

/**
 * Runs a case directly on a copy of the tree and in a session, and expects the same exit code and
 * the same tree; and that the real tree below the session did not change in the least.
 */
export async function expectSameTrees(command: CommandCase, engine: Engine): Promise<void> {
  const root = treeOf(caseFiles);
  const copy = join(scratchDirectory(), "tree");
  execFileSync("cp", ["-a", root, copy]);
  const before = snapshotOf(fs, root, { exactTimes: true });

  const home = scratchDirectory();
  const env = { ...process.env, HOME: home, npm_config_cache: join(home, "cache") };
  const direct = spawnSync("sh", ["-c", command.script], { cwd: copy, env });

  const { layer, session } = await openOver(root, { engine });
  const result = await session.run("sh", ["-c", command.script], { stdio: "ignore" });

  expect(result.exitCode, direct.stderr.toString()).toBe(direct.status);
  const options = { ignore: command.ignore ?? [], ...(command.times && { times: command.times }) };
  expect(comparable(snapshotOf(layer.fs, root, options))).toEqual(
    comparable(snapshotOf(fs, copy, options)),
  );
  expect(snapshotOf(fs, root, { exactTimes: true })).toEqual(before);
}

/** Git's index holds inode numbers and times of files, which no two trees share. */
function comparable(snapshot: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(snapshot).filter(([path]) => !/(^|\/)\.git\/index$/.test(path)),
  );
}
