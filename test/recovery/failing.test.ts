import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { commitPlanFile, planFileOf } from "../../src/commit/plan/plan-file.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { HastyDisk, HistoryFixture } from "./history-fixture.ts";

/** A disk on which files of the tree cannot be renamed, or nothing staged, when it is told so. */
class FailingDisk extends HastyDisk {
  fails: "stage" | "rename" | undefined;

  override mkdir(path: string, mode: number): void {
    if (this.fails === "stage") throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    super.mkdir(path, mode);
  }

  override rename(source: string, target: string): void {
    if (this.fails === "rename" && target.endsWith("/file")) {
      this.fails = undefined;
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    }
    super.rename(source, target);
  }
}

let disk: FailingDisk;
let fixture: HistoryFixture;
let oldest: string;
let plan: unknown;
beforeEach(async () => {
  disk = new FailingDisk();
  fixture = new HistoryFixture(disk);
  oldest = (await fixture.write({ file: "1" })).operation;
  await fixture.write({ file: "2" });
  await fixture.write({ file: "3" });
  await undo(fixture.store);
  const layer = openLayer({ root: fixture.root });
  layer.fs.writeFileSync(join(fixture.root, "file"), "planned");
  plan = JSON.parse(JSON.stringify(planFileOf(disk, diffLayer(layer))));
  layer.close();
});
afterEach(() => fixture.dispose());

const operations = {
  undo: () => undo(fixture.store),
  redo: () => redo(fixture.store),
  restore: () => restore(fixture.store, { checkpoint: oldest }),
  apply: () => commitPlanFile(fixture.store, plan),
};

describe.each(Object.entries(operations))("the error of a failing %s", (name, attempt) => {
  test.each([
    ["stage", new RegExp(`^Cannot ${name} .*ENOSPC\\. Nothing was changed\\.`)],
    ["rename", /^Cannot install "file": EIO\. Everything was put back as it was\./],
  ] as const)("says what is true (%s)", async (fails, message) => {
    disk.fails = fails;
    const error = await attempt().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("pending");
    disk.fails = undefined;
    expect(fixture.read("file")).toBe("2");
    await attempt();
    expect(fixture.read("file")).not.toBe("2");
  });
});

test("the error of a failing commit says that its changes are still there", async () => {
  disk.fails = "stage";
  await expect(fixture.write({ file: "4" })).rejects.toMatchObject({
    message: expect.stringMatching(/^Cannot commit .*Nothing was changed; .*still pending\./),
  });
  disk.fails = "rename";
  await expect(fixture.write({ file: "4" })).rejects.toMatchObject({
    message: expect.stringMatching(/put back as it was; the changes are still pending\./),
  });
});
