import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { measureRow } from "../../bench/overlay/measure-row.ts";
import { memoryRows } from "../../bench/overlay/memory-rows.ts";
import { measureRenames } from "../../bench/overlay/renames.ts";
import { rows } from "../../bench/overlay/rows.ts";

describe("every row of the overlay benchmark still runs", () => {
  test.for(rows)("$name", async (row) => {
    const samples = await measureRow(row, {
      scale: 0.002,
      rounds: 1,
      budgetMs: 5_000,
      wallMs: 5_000,
    });
    expect(samples.get("draftfs")).toHaveLength(1);
  });

  test("rename of a directory of 10,000 files", async () => {
    const times = await measureRenames("draftfs", 0.002);
    for (const milliseconds of Object.values(times)) expect(milliseconds).toBeGreaterThan(0);
    expect(Object.keys(times)).toEqual(["firstMs", "nextMs", "laterMs"]);
  });

  test.for(Object.entries(memoryRows))("%s", async ([, row]) => {
    const root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-row-")));
    try {
      const findings = await row(root, 0.003);
      for (const { value } of findings) expect(value).toMatch(/\d/);
    } finally {
      nodeFs.rmSync(root, { recursive: true, force: true });
    }
  });
});
