import { execFileSync, spawnSync } from "node:child_process";
import fs, { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { openOverlay } from "../../src/index.ts";
import type { CompiledProject } from "../support/compiled-project.ts";
import { caseFiles, longCases, quickCases } from "./command-cases.ts";
import { canRun, comparable, directEnvironment } from "./differential.ts";
import {
  allEngines,
  canServeFuse,
  scratchDirectory,
  withProject,
  writeFiles,
} from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

const compiled = vi.hoisted(() => ({ project: undefined as CompiledProject | undefined }));

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { CompiledProject } = await import("../support/compiled-project.ts");
  compiled.project = CompiledProject.build();
  return { serverPath: compiled.project.pathOf("src/sandbox/fuse/server-main.ts") };
});

afterAll(() => compiled.project?.[Symbol.dispose]());

const cases = [...quickCases, ...longCases].filter(canRun);
const engines = [...allEngines, ...(canServeFuse ? (["fuse"] as const) : [])];

describe.each(engines)("commands of engine %s, committed", (engine) => {
  it("leave on the disk what they leave there without draftfs", async () => {
    const scratch = scratchDirectory();
    mkdirSync(join(scratch, "home"));
    for (const index of cases.keys()) {
      mkdirSync(join(scratch, "direct", `case${index}`), { recursive: true });
      writeFiles(join(scratch, "direct", `case${index}`), caseFiles);
    }
    const root = join(scratch, "real");
    execFileSync("cp", ["-a", join(scratch, "direct"), root]);
    const require = engine === "clone" ? "cooperative" : "enforced";
    const sandbox = { engine, require, ...(engine === "clone" ? {} : withProject) } as const;
    const overlay = await openOverlay(root, { sandbox });
    const env = directEnvironment(scratch);
    for (const [index, { script, name }] of cases.entries()) {
      const cwd = `case${index}`;
      const direct = spawnSync("sh", ["-c", script], { cwd: join(scratch, "direct", cwd), env });
      const result = await overlay.run("sh", ["-c", script], { cwd, stdio: "ignore" });
      expect(result.exitCode, name).toBe(direct.status);
    }
    await overlay.commit({ message: "all" });
    await overlay.close();
    const times = (path: string): boolean => {
      const [, number = "", inside = ""] = /^case(\d+)\/(.*)/.exec(path) ?? [];
      return cases[Number(number)]?.times?.(inside) === true && inside !== "";
    };
    const ignore = [".draftfs"];
    expect(comparable(snapshotOf(fs, root, { times, ignore }))).toEqual(
      comparable(snapshotOf(fs, join(scratch, "direct"), { times })),
    );
  });
});
