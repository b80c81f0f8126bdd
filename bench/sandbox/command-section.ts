import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openLayer } from "../../src/overlay/layer.ts";
import { openSession } from "../../src/sandbox/session.ts";
import { projectDirectory } from "../../test/support/project-directory.ts";
import { type Contestant, interleave } from "../lib/interleave.ts";
import { figure, leastOf, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { sampleTree } from "./sample-tree.ts";
import type { Scale } from "./scale.ts";

interface Workload {
  readonly name: string;
  readonly root: string;
  readonly script: string;
  /** Run first, not counted. */
  readonly before?: string;
}

/** Real commands inside and outside, in turn. */
export async function commandSection({ rounds, files, engine }: Scale): Promise<string> {
  const tree = sampleTree(files);
  const project = projectDirectory();
  const workloads: Workload[] = [
    { name: `find, ${files} files`, root: tree.root, script: "find . -type f | wc -l" },
    { name: `cat of ${files} files`, root: tree.root, script: "cat d*/* > /dev/null" },
    { name: "git status", root: tree.root, script: "git status --porcelain" },
    {
      name: `write ${files} files`,
      root: tree.root,
      before: "rm -rf m",
      script: `mkdir m; i=0; while [ $i -lt ${files} ]; do echo $i >m/$i; i=$((i+1)); done`,
    },
  ];
  if (existsSync(join(project, "node_modules", "typescript"))) {
    workloads.push({ name: "npm ls --all", root: project, script: "npm ls --all" });
    workloads.push({
      name: "tsc --noEmit",
      root: project,
      script: "node_modules/.bin/tsc -p . --noEmit",
    });
  }
  const lines: string[][] = [];
  for (const workload of workloads) {
    const layer = openLayer({ root: workload.root });
    const session = await openSession(layer, { engine, require: "cooperative" });
    const quiet = { stdio: "ignore" } as const;
    const contestants: Contestant[] = [
      {
        name: "outside",
        measure: async () => {
          if (workload.before !== undefined) await outside(workload.before, workload.root);
          return outside(workload.script, workload.root);
        },
      },
      {
        name: "inside",
        measure: async () => {
          if (workload.before !== undefined)
            await session.run("sh", ["-c", workload.before], quiet);
          const startedMs = performance.now();
          const running = await session.spawn("sh", ["-c", workload.script], quiet);
          await new Promise((resolve) => running.child.once("close", resolve));
          const elapsedMs = performance.now() - startedMs;
          await running.result;
          return elapsedMs;
        },
      },
    ];
    const samples = await interleave(contestants, { rounds });
    await session.close();
    layer.close();
    const [plain = [], inside = []] = [samples.get("outside"), samples.get("inside")];
    lines.push([
      workload.name,
      `${figure(medianOf(plain))} (${figure(leastOf(plain))})`,
      `${figure(medianOf(inside))} (${figure(leastOf(inside))})`,
      `${figure(medianOf(inside) / medianOf(plain))} ×`,
    ]);
  }
  tree.remove();
  return markdownTable(["", "outside ms (least)", "inside ms (least)", "ratio"], lines);
}

function outside(script: string, cwd: string): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    spawn("sh", ["-c", script], { cwd, stdio: "ignore" }).once("close", () =>
      resolve(performance.now() - startedMs),
    );
  });
}
