import { describe, expect, test } from "vitest";
import { commandSection } from "../../bench/sandbox/command-section.ts";
import { sampleTree } from "../../bench/sandbox/sample-tree.ts";
import { sessionSection } from "../../bench/sandbox/session-section.ts";
import { treeWorkloads } from "../../bench/sandbox/workload.ts";

// The server of the fuse engine would have to be compiled first; its section is the same code.
const engine = process.getuid?.() === 0 ? "overlay" : "overlay-user";

describe("every section of the sandbox benchmark still runs", () => {
  test("sessions", async () => {
    const table = await sessionSection({ rounds: 1, files: 10, engine });
    expect(table).toMatch(/session start and first `run true` \| +\d/);
  });

  test("commands", async () => {
    const tree = sampleTree(10);
    try {
      const workloads = treeWorkloads(tree.root, 10);
      const table = await commandSection({ rounds: 1 }, engine, workloads, { peer: "try" });
      for (const { name } of workloads) expect(table).toMatch(new RegExp(`\\| ${name} \\| +\\d`));
    } finally {
      tree.remove();
    }
  });
});
