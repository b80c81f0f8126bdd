import { execFileSync, spawnSync } from "node:child_process";
import fs, { mkdirSync, mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { ensureStateDirectory, stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { openSession, type Session } from "../../src/sandbox/session.ts";
import type { Engine } from "../../src/sandbox/session-options.ts";
import { removeTree } from "../support/remove-tree.ts";
import { type CommandCase, caseFiles } from "./command-cases.ts";
import { withProject, writeFiles } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

/** Whether this machine has the programs that a case needs; continuous integration has to. */
export function canRun({ name, needs = [] }: CommandCase): boolean {
  const missing = needs.filter(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
  if (missing.length > 0 && process.env["CI"] !== undefined) {
    throw new Error(`The case "${name}" needs ${missing.join(", ")}: install it.`);
  }
  return missing.length === 0;
}

const realTree = { exactTimes: true, ignore: [".draftfs"] } as const;

/**
 * Every case runs directly on a directory, and in one session over a copy of all directories; exit
 * codes and trees must be equal, and the real tree below the session must not change in the least.
 */
export function describeDifferential(engine: Engine, cases: readonly CommandCase[]): void {
  const runnable = cases.filter(canRun);
  let scratch: string;
  let layer: Layer;
  let session: Session;
  let before: Record<string, string>;

  beforeAll(async () => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), "draftfs-differential-")));
    mkdirSync(join(scratch, "direct"));
    mkdirSync(join(scratch, "home"));
    for (const index of runnable.keys()) {
      mkdirSync(join(scratch, "direct", `case${index}`));
      writeFiles(join(scratch, "direct", `case${index}`), caseFiles);
    }
    execFileSync("cp", ["-a", join(scratch, "direct"), join(scratch, "session")]);
    // A clone lies there, and making that directory moves the times of the root.
    ensureStateDirectory(new NodeDisk(), stateDirectoryOf(join(scratch, "session")));
    before = snapshotOf(fs, join(scratch, "session"), realTree);
    layer = openLayer({ root: join(scratch, "session") });
    const require = engine === "clone" ? "cooperative" : "enforced";
    const visible = engine === "clone" ? {} : withProject;
    session = await openSession(layer, { engine, require, ...visible });
  });

  afterAll(async () => {
    await session.close();
    layer.close();
    removeTree(scratch);
  });

  describe(`engine ${engine}`, () => {
    it.each([...runnable.entries()].map(([index, command]) => ({ ...command, index })))(
      "leaves the tree that the command leaves without it: $name",
      async ({ index, script, times }) => {
        const env = directEnvironment(scratch);
        const cwd = join(scratch, "direct", `case${index}`);
        const direct = spawnSync("sh", ["-c", script], { cwd, env });
        const options = { stdio: "ignore", cwd: `case${index}` } as const;
        const result = await session.run("sh", ["-c", script], options);
        expect(result.exitCode, direct.stderr.toString()).toBe(direct.status);
        const place = join(layer.root, `case${index}`);
        const compared = times === undefined ? {} : { times };
        expect(comparable(snapshotOf(layer.fs, place, compared))).toEqual(
          comparable(snapshotOf(fs, cwd, compared)),
        );
      },
    );

    it("has not changed the real tree by a byte or a time", () => {
      expect(snapshotOf(fs, layer.root, realTree)).toEqual(before);
    });
  });
}

/** What a command finds in its environment when it runs without draftfs. */
export function directEnvironment(scratch: string): NodeJS.ProcessEnv {
  const home = join(scratch, "home");
  return { ...process.env, HOME: home, npm_config_cache: join(home, "cache") };
}

/** Git's index holds inode numbers and times of files, which no two trees share. */
export function comparable(snapshot: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(snapshot).filter(([path]) => !/(^|\/)\.git\/index$/.test(path)),
  );
}
