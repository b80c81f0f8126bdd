import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DashboardState } from "../../../src/cli/dashboard/dashboard-state.ts";
import { ProjectWatch } from "../../../src/cli/dashboard/project-watch.ts";
import { viewOf } from "../../../src/cli/dashboard/view.ts";
import { NodeDisk } from "../../../src/disk/node/node-disk.ts";
import { openOverlay } from "../../../src/index.ts";
import { plant, temporaryDirectory } from "../../engines/support/plain-overlay.ts";

const minuteMs = 60_000;
const noon = Date.UTC(2026, 5, 1, 12);

/** Has so much room left, and counts what is more than a look. */
class WatchedDisk extends NodeDisk {
  freeBytesLeft = 1024 ** 4;
  readings = 0;

  override freeBytes(): number {
    return this.freeBytesLeft;
  }

  override open(path: string, flags: number, mode?: number): number {
    this.readings += 1;
    return super.open(path, flags, mode);
  }

  override readFile(path: string): Buffer {
    this.readings += 1;
    return super.readFile(path);
  }

  override readdir(path: string): ReturnType<NodeDisk["readdir"]> {
    this.readings += 1;
    return super.readdir(path);
  }
}

function watching(files: Record<string, string> = {}) {
  const root = temporaryDirectory();
  plant(root, { ".draftfs/.gitignore": "*\n", ...files });
  const clock = { ms: noon };
  const disk = new WatchedDisk();
  const watch = new ProjectWatch({ root, disk, now: () => clock.ms });
  let count = 0;
  return {
    ...{ root, clock, disk, watch },
    look: () => watch.look(),
    /** Keeps measurements as a command, or a program (`.`), would have. */
    record(lines: readonly object[], directory = ".draftfs") {
      const texts = lines.map((line) => {
        count += 1;
        const whole = { id: `m-${count}`, operation: "commit", startedAtMs: clock.ms };
        return JSON.stringify({ ...whole, optimization: "none", outcome: "done", ...line });
      });
      const path = join(root, directory, ".write_optimization_metrics.json");
      fs.appendFileSync(path, `${texts.join("\n")}\n`);
    },
  };
}

const io = { reads: 0, writes: 1, deletes: 0, moves: 0, bytesWritten: 10 };
const damaged = { safety: { integrity: "damaged" } };

const ids = ({ alerts }: DashboardState): string[] => alerts.active.map(({ id }) => id);

describe("the state of the dashboard", () => {
  it("adds measurements up over a minute, an hour and a day, those of programs too", async () => {
    const { clock, look, record } = watching();
    record([{ startedAtMs: noon - 30 * minuteMs, durationMs: 4 }]);
    record(
      [
        { durationMs: 2, io },
        { outcome: "failed", operation: "undo", path: "a" },
      ],
      ".",
    );
    const { windows, recent, operations } = await look();
    expect(windows.minute).toMatchObject({ operations: 2, failed: 1, bytesWritten: 10, calls: 1 });
    expect(windows.hour).toMatchObject({ operations: 3, durationP95Ms: 4 });
    expect(operations).toMatchObject([
      { name: "commit", count: 2, durationMedianMs: 4, bytesWritten: 10 },
      { name: "undo", count: 1, failed: 1 },
    ]);
    expect(recent.map(({ id }) => id)).toEqual(["m-3", "m-2", "m-1"]);
    clock.ms += 40 * minuteMs;
    const later = await look();
    expect(later.windows).toMatchObject({
      minute: { operations: 0 },
      hour: { operations: 2 },
      day: { operations: 3 },
    });
    expect(later.changedAtMs).toBe(clock.ms);
  });

  it("tells of each kind of optimisation how often, its gain, and what was needless", async () => {
    const { look, record } = watching();
    const batch = { optimization: "batch", io };
    record([
      { ...batch, baselineCalls: 4, gain: 0.75 },
      { ...batch, baselineCalls: 1, gain: 0 },
      { ...batch, baselineCalls: 4, gain: 0, outcome: "fell_back" },
      { optimization: "stream", baselineCalls: 1, gain: 0, io },
      { safety: { rollback: "done" } },
    ]);
    const { windows, optimizations } = await look();
    expect(optimizations).toEqual([
      {
        ...{ kind: "none", operations: 1, failed: 0, fellBack: 0, needless: 0 },
        ...{ averageGain: 0, callsSaved: 0 },
      },
      {
        ...{ kind: "batch", operations: 3, failed: 0, fellBack: 1, needless: 1 },
        ...{ averageGain: 0.375, callsSaved: 3 },
      },
      {
        ...{ kind: "stream", operations: 1, failed: 0, fellBack: 0, needless: 0 },
        ...{ averageGain: 0, callsSaved: 0 },
      },
    ]);
    expect(windows.day.safety).toMatchObject({ rollbacks: 1, rollbackSuccessRate: 1 });
  });

  it("is the same object, made without reading, where nothing has changed", async () => {
    const { clock, disk, look, record, root } = watching({ "metrics_config.yaml": "" });
    const overlay = await openOverlay(root, { draft: "x" });
    overlay.fs.writeFileSync("a", "1");
    await overlay.commit();
    overlay.fs.writeFileSync("a", "2");
    await overlay.saveDraft();
    await overlay.close();
    record([{}]);
    await look();
    // Names of drafts are known from here on.
    const state = await look();
    const { readings } = disk;
    for (let n = 0; n < 3; n++) {
      clock.ms += 1000;
      const next = await look();
      expect(next.windows).toBe(state.windows);
      expect(next.drafts).toBe(state.drafts);
    }
    expect(disk.readings).toBe(readings);
    record([{}]);
    expect((await look()).windows.day.operations).toBe(2);
    expect(disk.readings).toBeGreaterThan(readings);
  });

  it("forgets what its file forgets", async () => {
    const { look, record, root } = watching();
    record([{}, {}]);
    record([{}], ".");
    expect((await look()).windows.day.operations).toBe(3);
    fs.rmSync(join(root, ".draftfs/.write_optimization_metrics.json"));
    expect((await look()).windows.day.operations).toBe(1);
    expect((await look()).recent.map(({ id }) => id)).toEqual(["m-3"]);
  });

  it("lists drafts as they are saved and thrown away", async () => {
    const { look, root } = watching();
    expect((await look()).drafts).toEqual([]);
    const overlay = await openOverlay(root, { draft: "mine" });
    overlay.fs.writeFileSync("a", "1");
    // There is a directory already, and nothing saved in it.
    await look();
    await overlay.saveDraft();
    await overlay.close();
    expect((await look()).drafts).toMatchObject([{ name: "mine", entries: 1, fault: undefined }]);
    fs.writeFileSync(join(root, ".draftfs/drafts/mine/index"), "damaged");
    expect((await look()).drafts).toMatchObject([{ fault: expect.stringContaining("mine") }]);
    fs.rmSync(join(root, ".draftfs/drafts/mine"), { recursive: true });
    expect((await look()).drafts).toEqual([]);
  });

  it("knows a journal that is stuck, a minute after the last sign of life", async () => {
    const { clock, look, root } = watching();
    plant(root, { ".draftfs/journal/current": "cut off" });
    const { mtimeMs } = fs.statSync(join(root, ".draftfs/journal/current"));
    clock.ms = mtimeMs + 1000;
    expect((await look()).health.isJournalStuck).toBe(false);
    clock.ms += 2 * minuteMs;
    const state = await look();
    expect(state.health.isJournalStuck).toBe(true);
    expect(ids(state)).toEqual(["stuck_journal"]);
    fs.rmSync(join(root, ".draftfs/journal/current"));
    fs.rmSync(join(root, ".draftfs/journal"), { recursive: true });
    expect((await look()).health.isJournalStuck).toBe(false);
  });

  it("shows room on the disk rounded down, and warns by what there is", async () => {
    const limit = "write_optimization: { performance: { memory_limit: 100MB } }";
    const { disk, look } = watching({ "write_optimization_config.yaml": limit });
    const mebibyte = 1024 ** 2;
    disk.freeBytesLeft = 1000.5 * mebibyte;
    expect((await look()).health.diskFreeBytes).toBe(1000 * mebibyte);
    disk.freeBytesLeft = 100 * mebibyte;
    expect(ids(await look())).toEqual([]);
    disk.freeBytesLeft = 100 * mebibyte - 1;
    const state = await look();
    expect(state.alerts.active).toMatchObject([{ id: "disk_space", value: 99 * mebibyte }]);
    disk.freeBytesLeft -= 1000;
    expect((await look()).alerts).toEqual(state.alerts);
  });
});

describe("the configuration on the dashboard", () => {
  it("shows alerts that stand, unless notifications.dashboard or alerts.enabled is false", async () => {
    const { look, record, root } = watching();
    record([damaged]);
    expect(ids(await look())).toEqual(["integrity_failures"]);
    expect(viewOf(await look())).toContain("1 of 1 integrity checks failed.");
    for (const [lines, hiddenBy] of [
      ["alerts: { notifications: { dashboard: false } }", "alerts.notifications.dashboard"],
      ["alerts: { enabled: false }", "alerts.enabled"],
    ] as const) {
      plant(root, { "metrics_config.yaml": lines });
      const state = await look();
      expect(state.alerts).toEqual({ hiddenBy, active: [] });
      expect(viewOf(state)).toContain(`Alerts are not shown: ${hiddenBy} is false.`);
      expect(viewOf(state)).not.toContain("integrity checks failed.");
    }
    plant(root, { "metrics_config.yaml": "alerts: { notifications: { dashboard: true } }" });
    expect(ids(await look())).toEqual(["integrity_failures"]);
  });

  it("says so where nothing is measured, and where it stays in memory", async () => {
    const { look, record, root } = watching();
    record([damaged]);
    expect((await look()).notices).toEqual([]);
    plant(root, { "metrics_config.yaml": "metrics: { collection: { enabled: false } }" });
    const state = await look();
    expect(state.notices).toEqual([
      "Nothing is measured: figures are of earlier (metrics.collection.enabled).",
    ]);
    expect(viewOf(state)).toContain(state.notices[0]);
    expect(ids(state)).toEqual([]);
    plant(root, { "metrics_config.yaml": "metrics: { storage: { backend: memory } }" });
    expect((await look()).notices).toEqual([
      expect.stringMatching(/in memory alone.*metrics\.storage\.backend/),
    ]);
  });

  it("goes on with what held before where it has become wrong, and tells", async () => {
    const { look, root, watch } = watching();
    plant(root, { "metrics_config.yaml": "alerts: { enabled: false }" });
    expect((await look()).alerts.hiddenBy).toBe("alerts.enabled");
    plant(root, { "metrics_config.yaml": "alerts: { enabeld: true }" });
    const state = await look();
    expect(state.alerts.hiddenBy).toBe("alerts.enabled");
    expect(state.notices[0]).toMatch(/metrics_config\.yaml:1.*enabeld/s);
    expect(watch.configProblem).toBeDefined();
    fs.rmSync(join(root, "metrics_config.yaml"));
    expect(await look()).toMatchObject({ notices: [], alerts: { active: [] } });
  });

  it("names the file that measurements are looked for in, and what is wrong with it", async () => {
    const { look, root } = watching();
    plant(root, {
      "metrics_config.yaml": 'metrics: { storage: { file_path: "m.jsonl" } }',
      "m.jsonl": `${JSON.stringify({
        ...{ id: "a", startedAtMs: noon, operation: "w", optimization: "none", outcome: "done" },
      })}\n`,
    });
    expect((await look()).windows.minute.operations).toBe(1);
    plant(root, { "m.jsonl": "notes\n" });
    const { notices, windows } = await look();
    expect(notices[0]).toMatch(/m\.jsonl cannot be read: it holds something else/);
    expect(windows.minute.operations).toBe(0);
  });
});

describe("the page of a state", () => {
  it("holds names from outside as text, and control characters as escapes", async () => {
    const { look, record } = watching();
    const evil = '<img src=x onerror="alert(1)">';
    record([{ operation: evil, path: `a\u001b[31m&'${evil}\udc80` }]);
    const view = viewOf(await look());
    expect(view).not.toContain("<img");
    expect(view).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    expect(view).toContain("a\\x1b[31m&amp;&#39;&lt;img");
    expect(view).toContain("\\x80");
  });
});
