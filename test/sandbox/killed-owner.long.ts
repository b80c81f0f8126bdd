import { spawn } from "node:child_process";
import fs, { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { serverOrderVariable } from "../../src/sandbox/fuse/served-names.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { canServeFuse, kernelEngines, treeOf } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

const engines = [...kernelEngines, ...(canServeFuse ? (["fuse"] as const) : [])];

describe.each(engines)("a process killed with a session of engine %s", (engine) => {
  let project: CompiledProject;
  beforeAll(() => {
    project = CompiledProject.build();
  });
  it("leaves no process, no mount and no change behind", async () => {
    const root = treeOf({ a: "a\n" });
    const before = snapshotOf(fs, root, { exactTimes: true });
    const mounts = mountsBesideTests();
    const program = project.pathOf("test/sandbox/session-program.ts");
    const owner = spawn(process.execPath, [program, root, engine], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line = await new Promise<string>((resolve) =>
      owner.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString())),
    );
    expect(line).toMatch(/"pid"/);
    const inside = processesOf(root);
    expect(inside.length).toBeGreaterThan(engine === "fuse" ? 3 : 2);
    owner.kill("SIGKILL");
    const deadline = Date.now() + 20_000;
    while (inside.some((pid) => existsSync(`/proc/${pid}`)) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(inside.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(mountsBesideTests()).toEqual(mounts);
    expect(snapshotOf(fs, root, { exactTimes: true })).toEqual(before);
  });
});

/** Processes whose table of mounts shows the tree covered, and the server of a FUSE mount. */
function processesOf(root: string): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const table = readFileSync(join("/proc", name, "mountinfo"), "utf8").split("\n");
      if (table.some((row) => row.includes(` ${root} `) && /overlay|fuse/.test(row))) return true;
      const environment = readFileSync(join("/proc", name, "environ"), "utf8");
      return environment.includes(`${serverOrderVariable}={"root":"${root}"`);
    } catch {
      return false;
    }
  });
}

/** Without those that other tests make, which run at the same time. */
function mountsBesideTests(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => !line.includes(" draftfs-test "));
}
