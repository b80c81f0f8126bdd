import { execFileSync, spawnSync } from "node:child_process";
import fs, { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";
import { caseFiles, longCases, quickCases } from "./command-cases.ts";
import { canRun, comparable, directEnvironment } from "./differential.ts";
import { allEngines, canServeFuse, withProject, writeFiles } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});

// Tens of thousands of files.
afterAll(() => {
  removeTree(scratch);
}, 300_000);

const cases = [...quickCases, ...longCases].filter(canRun);
const engines = [...allEngines, ...(canServeFuse ? (["fuse"] as const) : [])];

let scratch: string;
/** The exit code of each command without draftfs, and what all of them leave. */
let direct: { readonly codes: readonly (number | null)[]; readonly tree: object };

const times = (path: string): boolean => {
  const [, number = "", inside = ""] = /^case(\d+)\/(.*)/.exec(path) ?? [];
  return cases[Number(number)]?.times?.(inside) === true && inside !== "";
};

beforeAll(() => {
  // The differential tests run the same commands on an ordinary file system.
  scratch = fs.realpathSync(fs.mkdtempSync(join(memoryDirectory(), "draftfs-sandbox-")));
  mkdirSync(join(scratch, "home"));
  for (const index of cases.keys()) {
    mkdirSync(join(scratch, "direct", `case${index}`), { recursive: true });
    writeFiles(join(scratch, "direct", `case${index}`), caseFiles);
  }
  execFileSync("cp", ["-a", join(scratch, "direct"), join(scratch, "before")]);
  const env = directEnvironment(scratch);
  const codes = cases.map(({ script }, index) => {
    const cwd = join(scratch, "direct", `case${index}`);
    return spawnSync("sh", ["-c", script], { cwd, env }).status;
  });
  direct = { codes, tree: comparable(snapshotOf(fs, join(scratch, "direct"), { times })) };
}, 300_000);

describe.each(engines)("commands of engine %s, committed", (engine) => {
  it("leave on the disk what they leave there without draftfs", async () => {
    const root = join(scratch, `real-${engine}`);
    execFileSync("cp", ["-a", join(scratch, "before"), root]);
    const require = engine === "clone" ? "cooperative" : "enforced";
    const sandbox = { engine, require, ...(engine === "clone" ? {} : withProject) } as const;
    const overlay = await openOverlay(root, { sandbox });
    for (const [index, { script, name }] of cases.entries()) {
      const cwd = `case${index}`;
      const result = await overlay.run("sh", ["-c", script], { cwd, stdio: "ignore" });
      expect(result.exitCode, name).toBe(direct.codes[index]);
    }
    await overlay.commit({ message: "all" });
    await overlay.close();
    const tree = comparable(snapshotOf(fs, root, { times, ignore: [".draftfs"] }));
    expect(tree).toEqual(direct.tree);
  });
});
