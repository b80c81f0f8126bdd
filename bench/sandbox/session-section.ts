import { spawn } from "node:child_process";
import { join } from "node:path";
import { openLayer } from "../../src/overlay/layer.ts";
import { openSession } from "../../src/sandbox/session.ts";
import { figure, leastOf, medianOf, type Samples } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { sampleTree } from "./sample-tree.ts";
import type { Scale } from "./scale.ts";

/** What a session costs: to start, per command, to harvest, to push. */
export async function sessionSection({ rounds, files, engine }: Scale): Promise<string> {
  const tree = sampleTree(files);
  const rows: Record<string, number[]> = {};
  const note = (name: string, elapsedMs: number): void => {
    rows[name] ??= [];
    rows[name].push(elapsedMs);
  };
  const quiet = { stdio: "ignore" } as const;
  for (let round = 0; round < rounds; round++) {
    const layer = openLayer({ root: tree.root });
    const session = await openSession(layer, { engine, require: "cooperative" });
    const first = await timed(() => session.run("true", [], quiet));
    for (let index = 0; index < 5; index++) {
      note("plain `true`", await timed(plainTrue));
      note(
        "further `run true`, nothing changed",
        await timed(() => session.run("true", [], quiet)),
      );
    }
    note("session start and first `run true`", first);
    for (let index = 0; index < 5; index++) {
      note(`harvest of nothing, tree of ${files} files`, await timed(() => session.harvest()));
    }
    await session.run("sh", ["-c", writeScript(files)], quiet);
    for (let index = 0; index < 5; index++) {
      note(
        `harvest of nothing new, ${files} files changed before`,
        await timed(() => session.harvest()),
      );
    }
    for (let index = 0; index < 5; index++) {
      note(
        `further \`run true\`, ${files} files changed before`,
        await timed(() => session.run("true", [], quiet)),
      );
    }
    await session.close();
    layer.close();
    note(`harvest of ${files} new files`, await harvestOnly(tree.root, engine, files));
    note(`push of ${files} pending files`, await pushOnly(tree.root, engine, files));
  }
  tree.remove();
  const lines = Object.entries(rows).map(([name, samples]) => rowOf(name, samples));
  return markdownTable(["", "median ms", "least ms"], lines);
}

function rowOf(name: string, samples: Samples): string[] {
  return [name, figure(medianOf(samples)), figure(leastOf(samples))];
}

/** One command writes the files while another one runs, so that the harvest can be timed alone. */
async function harvestOnly(root: string, engine: Scale["engine"], files: number): Promise<number> {
  const layer = openLayer({ root });
  const session = await openSession(layer, { engine, require: "cooperative" });
  const write = `${writeScript(files)}; echo >done; sleep 60`;
  const running = await session.spawn("sh", ["-c", write], { stdio: ["ignore", "pipe", "ignore"] });
  const probe = `while [ ! -e done ]; do sleep 0.05; done`;
  const elapsed = new Promise<number>((resolve) => {
    void session.spawn("sh", ["-c", probe], { stdio: "ignore" }).then(({ child }) => {
      child.once("exit", () => {
        const startedMs = performance.now();
        void session.harvest().then(() => resolve(performance.now() - startedMs));
      });
    });
  });
  const elapsedMs = await elapsed;
  running.kill("SIGKILL");
  await running.result;
  await session.close();
  layer.close();
  return elapsedMs;
}

async function pushOnly(root: string, engine: Scale["engine"], files: number): Promise<number> {
  const layer = openLayer({ root });
  const session = await openSession(layer, { engine, require: "cooperative" });
  await session.run("true", [], { stdio: "ignore" });
  layer.fs.mkdirSync(join(root, "m"));
  for (let index = 0; index < files; index++) {
    layer.fs.writeFileSync(join(root, "m", String(index)), "x".repeat(500));
  }
  const elapsedMs = await timed(async () => session.push());
  await session.close();
  layer.close();
  return elapsedMs;
}

function writeScript(files: number): string {
  return `mkdir m; i=0; while [ $i -lt ${files} ]; do echo $i >m/$i; i=$((i+1)); done`;
}

function plainTrue(): Promise<void> {
  return new Promise((resolve) => {
    spawn("true", [], { stdio: "ignore" }).once("close", () => resolve());
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
