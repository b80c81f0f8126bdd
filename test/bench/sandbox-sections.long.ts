import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { commandSection } from "../../bench/sandbox/command-section.ts";
import { sampleTree } from "../../bench/sandbox/sample-tree.ts";
import { sessionSection } from "../../bench/sandbox/session-section.ts";
import { treeWorkloads } from "../../bench/sandbox/workload.ts";

const own = process.getuid?.() === 0 ? "overlay" : "overlay-user";
const engines = fs.existsSync("/dev/fuse") ? ([own, "fuse"] as const) : ([own] as const);

describe("every section of the sandbox benchmark still runs", () => {
  test("sessions", async () => {
    const table = await sessionSection({ rounds: 1, files: 10, engine: own });
    expect(table).toMatch(/session start and first `run true` \| +\d/);
  });

  test.for(engines)("commands over %s", async (engine) => {
    const tree = sampleTree(10);
    try {
      const workloads = treeWorkloads(tree.root, 10);
      const table = await commandSection({ rounds: 1 }, engine, workloads, { withPeer: true });
      for (const { name } of workloads) expect(table).toMatch(new RegExp(`\\| ${name} \\| +\\d`));
    } finally {
      tree.remove();
    }
  });
});
