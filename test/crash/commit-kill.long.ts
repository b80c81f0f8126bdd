import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { makeTree, TemporaryRoot } from "../commit/scenario.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { classify, isStoreSound, recover, rehearse } from "./commit-faults.ts";

test("a process that is killed before any one of its changes leaves the old tree or the new one", async () => {
  using project = CompiledProject.build();
  const program = project.pathOf("test/crash/commit-victim.ts");
  const outcomes = await rehearse();
  const points = outcomes.calls.filter((call) => call.changes);
  const seen: Record<string, number> = {};
  for (const point of points) {
    using root = TemporaryRoot.inMemory();
    makeTree(root.path);
    const { signal } = spawnSync(process.execPath, [program, root.path, String(point.index)]);
    expect(signal, `${point.index} ${point.name}`).toBe("SIGKILL");
    await recover(root.path);
    const outcome = classify(root.path, outcomes);
    expect(["old", "new"], `${point.index} ${point.name} ${point.path}`).toContain(outcome);
    expect(isStoreSound(root.path)).toBe(true);
    seen[outcome] = (seen[outcome] ?? 0) + 1;
  }
  console.log(`killed at ${points.length} points`, seen);
});
