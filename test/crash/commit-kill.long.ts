import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { backgroundFilesMin } from "../../src/limits.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { classify, isStoreSound, makeRoot, recover, rehearse } from "./commit-faults.ts";
import { ForkServer, forkServerObstacle, isOverWithin } from "./kills/fork-server.ts";

/** A commit takes some milliseconds, on a machine that does nothing else. */
const dyingMsMax = 60_000;

const obstacle = forkServerObstacle();

test("a process that is killed before any one of its changes leaves the old tree or the new one", async (context) => {
  context.skip(obstacle !== undefined && process.env["CI"] === undefined, obstacle);
  await using server = await ForkServer.start();
  // By slots: what kills a commit by files is tried in `commit-death.test.ts`, without processes.
  const outcomes = await rehearse({}, "slots");
  const points = outcomes.calls.filter((call) => call.changes);
  const seen: Record<string, number> = {};
  for (const point of points) {
    using root = TemporaryRoot.inMemory();
    await makeRoot(root.path, "slots");
    const order = { kind: "die-in-scenario", root: root.path, at: point.index } as const;
    const victim = await server.fork(order);
    expect(await isOverWithin(victim, dyingMsMax), `${point.index} ${point.name}`).toBe(true);
    await recover(root.path);
    const outcome = classify(root.path, outcomes);
    expect(["old", "new"], `${point.index} ${point.name} ${point.path}`).toContain(outcome);
    expect(isStoreSound(root.path)).toBe(true);
    seen[outcome] = (seen[outcome] ?? 0) + 1;
  }
  await server.expectAllKilled();
  console.log(`killed at ${points.length} points`, seen);
});

test("a process that is killed while a thread of it creates files leaves the old tree or the new one", async () => {
  const project = CompiledProject.build();
  using root = TemporaryRoot.inMemory();
  const files = backgroundFilesMin + 50;
  for (let index = 0; index < files; index++) {
    fs.writeFileSync(join(root.path, `file-${index}`), "0 start\n");
  }
  const program = project.pathOf("test/crash/commit-worker.ts");
  const random = new SeededRandom(20);
  const rounds = Number(process.env["DRAFTFS_ROUNDS"] ?? 15);
  let last = 0;
  for (let round = 0; round < rounds; round++) {
    const child = spawn(process.execPath, [program, root.path, "worker", String(files)]);
    const lines: string[] = [];
    child.stdout.on("data", (chunk: Buffer) => lines.push(...chunk.toString().trim().split("\n")));
    // Only once it commits does it matter when.
    await once(child.stdout, "data");
    await delay(random.between(0, 150));
    child.kill("SIGKILL");
    await once(child, "close");
    await recover(root.path);
    const texts = new Set<string>();
    for (let index = 0; index < files; index++) {
      texts.add(fs.readFileSync(join(root.path, `file-${index}`), "utf8"));
    }
    expect([...texts]).toHaveLength(1);
    const number = Number([...texts][0]?.split(" ")[0]);
    const said = Number(lines.at(-1));
    expect([said, said + 1]).toContain(number);
    expect(number).toBeGreaterThan(last);
    last = number;
  }
  console.log(`killed ${rounds} times, ${last} commits of ${files} files`);
});
