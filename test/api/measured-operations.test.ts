import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { makeChanges, makeTree } from "../commit/scenario.ts";
import { disturb } from "../crash/commit-faults.ts";
import { removeTree } from "../support/remove-tree.ts";

let root: string;
let seen: Measurement[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "draftfs-measured-"));
  seen = [];
});
afterEach(() => removeTree(root));

const open = () => openOverlay(root, { observer: (measurement) => seen.push(measurement) });
const configure = (lines: string) => writeFileSync(join(root, "metrics_config.yaml"), lines);
const facts = () => seen.map(({ operation, outcome, safety }) => [operation, outcome, safety]);
const sound = { integrity: "sound" };

/** A root with a commit that a process has left half done. */
async function cutOff(): Promise<void> {
  makeTree(root);
  makeChanges(root);
  let isDecided = false;
  await disturb(root, (call) => {
    if (isDecided && call.name === "mkdir") return { kind: "death" };
    if (call.name === "rename" && call.path?.endsWith("journal/current")) isDecided = true;
    return { kind: "none" };
  });
}

describe("an overlay with an observer", () => {
  it("tells of what changes the tree, and of checks", async () => {
    await using overlay = await open();
    overlay.fs.writeFileSync("a", "12345");
    await overlay.commit();
    overlay.fs.writeFileSync("a", "2");
    const plan = await overlay.plan();
    await overlay.discard();
    await overlay.applyPlan(plan);
    await overlay.undo();
    await overlay.redo();
    await overlay.restore({ checkpoint: "1" });
    await overlay.verify();
    await overlay.collectGarbage();
    expect(facts()).toEqual([
      ["commit", "done", sound],
      ["apply", "done", sound],
      ["undo", "done", { rollback: "done" }],
      ["redo", "done", undefined],
      ["restore", "done", { rollback: "done" }],
      ["verify", "done", sound],
      ["gc", "done", undefined],
    ]);
    expect(seen[0]).toMatchObject({
      sizeBytes: 5,
      io: { reads: 0, writes: 1, deletes: 0, moves: 0, bytesWritten: 5 },
      ...{ baselineCalls: 1, gain: 0, durationMs: expect.any(Number) },
    });
  });

  it("tells of commands and transactions, and of what is taken back", async () => {
    await using overlay = await open();
    await overlay.run("sh", ["-c", "echo 1 > made; exit 3"]);
    await overlay.transact(({ fs }) => fs.writeFileSync("b", "1"));
    const failing = overlay.transact(({ fs }) => {
      fs.writeFileSync("c", "1");
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(facts()).toEqual([
      ["run", "done", undefined],
      ["commit", "done", sound],
      ["rollback", "done", { rollback: "done" }],
    ]);
  });

  it("tells of what failed and what was refused, but not where there was nothing to do", async () => {
    await using overlay = await open();
    await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_NOTHING_PENDING" });
    overlay.fs.writeFileSync("a", "1");
    await overlay.commit();
    writeFileSync(join(root, "a"), "by hand");
    await expect(overlay.undo()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
    await expect(overlay.run("true", [], { cwd: "none" })).rejects.toThrow("none");
    expect(facts()).toEqual([
      ["commit", "done", sound],
      ["undo", "refused", undefined],
      ["run", "failed", undefined],
    ]);
  });

  it("tells of damage to what is kept", async () => {
    await using overlay = await open();
    overlay.fs.writeFileSync("a", "1".repeat(1000));
    await overlay.commit();
    rmSync(join(root, ".draftfs/checkpoints.git/objects"), { recursive: true });
    expect((await overlay.verify()).isSound).toBe(false);
    expect(facts().at(-1)).toEqual(["verify", "done", { integrity: "damaged" }]);
  });

  it("tells of a recovery when it is opened", async () => {
    await cutOff();
    await using overlay = await open();
    expect(overlay.recovered.outcome).toBe("finished");
    expect(facts()).toEqual([["recover", "done", { recoveryMs: overlay.recovered.elapsedMs }]]);
  });
});

describe("metrics.safety", () => {
  const work = async () => {
    await using overlay = await open();
    overlay.fs.writeFileSync("a", "1");
    await overlay.commit();
    await overlay.undo();
    return facts().map(([, , safety]) => safety);
  };

  it.each([
    ["track_integrity_checks", [undefined, { rollback: "done" }]],
    ["track_rollbacks", [sound, undefined]],
  ])("%s: false leaves out what it is about", async (key, left) => {
    configure(`metrics: { safety: { ${key}: false } }`);
    expect(await work()).toEqual(left);
  });

  it("track_recovery_operations: false leaves out the time of a recovery", async () => {
    configure("metrics: { safety: { track_recovery_operations: false } }");
    await cutOff();
    await using overlay = await open();
    expect(overlay.recovered.outcome).toBe("finished");
    expect(facts()).toEqual([["recover", "done", undefined]]);
  });

  it("is not measured at all where collection is off, nor below the level minimal", async () => {
    configure("metrics: { collection: { enabled: false } }");
    expect(await work()).toEqual([]);
    configure("");
    writeFileSync(
      join(root, "safety_config.yaml"),
      "safety: { integrity_checks: { enabled: false } }",
    );
    expect(await work()).toEqual([undefined, { rollback: "done" }]);
  });
});
