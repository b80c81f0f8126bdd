import fs from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { collectMetrics } from "../../src/config/collect-metrics.ts";
import { effectiveConfig } from "../../src/config/effective-config.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { batch } from "../../src/engines/batch/batch.ts";
import type { Alert } from "../../src/metrics/alerts.ts";
import { nothingDone, type OperationReport } from "../../src/metrics/meter.ts";
import { plainOverlay, plant, temporaryDirectory } from "../engines/support/plain-overlay.ts";

/** Collects under a metrics_config.yaml with these lines. */
function collecting(lines = "", root = temporaryDirectory()) {
  plant(root, { "metrics_config.yaml": lines });
  const clock = { ms: Date.now() };
  const raised: Alert[] = [];
  const { values } = effectiveConfig({ root, environment: {} });
  const metrics = collectMetrics(values, {
    root,
    now: () => clock.ms,
    onAlert: (alert) => raised.push(alert),
  });
  return {
    root,
    clock,
    metrics,
    ids: () => raised.map(({ id }) => id),
    work(count: number, report: Partial<OperationReport> = {}) {
      for (let n = 0; n < count; n++) {
        metrics.meter.note({ name: "work", sizeBytes: 0 }, 1, { ...nothingDone, ...report });
      }
    },
    logged(): string[] {
      const path = join(root, ".write_optimization_metrics.json");
      return fs
        .readFileSync(path, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { id: string; kind?: string })
        .flatMap(({ id, kind }) => (kind === undefined ? [] : [id]));
    },
  };
}

const damaged = { safety: { integrity: "damaged" } } as const;
const rolledBack = { safety: { rollback: "done" } } as const;
const wasteful = {
  optimization: "batch",
  baselineCalls: 10,
  io: { ...nothingDone.io, writes: 9 },
} as const;

describe("alerts.thresholds", () => {
  it.each([
    ["rollback_rate_warning", "0.05", 2, rolledBack, "rollback_rate"],
    ["rollback_rate_warning", "0.2", 2, rolledBack, undefined],
    ["integrity_failure_critical", "0.001", 1, damaged, "integrity_failures"],
    ["integrity_failure_critical", "1", 1, damaged, undefined],
    ["performance_gain_warning", "0.15", 20, wasteful, "average_gain"],
    ["performance_gain_warning", "0.05", 20, wasteful, undefined],
  ] as const)("%s: %s, with %i of them: %#", (key, bound, count, report, id) => {
    const { metrics, work, ids } = collecting(`alerts: { thresholds: { ${key}: ${bound} } }`);
    work(20);
    work(count, report);
    metrics.flush();
    expect(ids()).toEqual(id === undefined ? [] : [id]);
    expect(metrics.alerts.map((alert) => alert.id)).toEqual(ids());
  });
});

describe("alerts", () => {
  it("are looked for once an interval and at the end", () => {
    const { metrics, work, clock, ids } = collecting("metrics: { collection: { interval: 5s } }");
    work(1, damaged);
    expect(ids()).toEqual([]);
    clock.ms += 5000;
    work(1);
    expect(ids()).toEqual(["integrity_failures"]);
    metrics.flush();
    expect(ids()).toEqual(["integrity_failures"]);
  });

  it("are silent where enabled is false, and where nothing is collected", () => {
    for (const lines of [
      "alerts: { enabled: false }",
      "metrics: { collection: { enabled: false } }",
    ]) {
      const { metrics, work, ids } = collecting(lines);
      work(1, damaged);
      metrics.flush();
      expect(ids()).toEqual([]);
      expect(metrics.alerts).toEqual([]);
    }
  });

  it("are lines of the file, unless notifications.log is false", () => {
    for (const [isLogged, lines] of [
      [true, ["integrity_failures"]],
      [false, []],
    ] as const) {
      const { metrics, work, logged, ids } = collecting(
        `alerts: { notifications: { log: ${isLogged} } }`,
      );
      work(1, damaged);
      metrics.flush();
      expect(logged()).toEqual(lines);
      expect(ids()).toEqual(["integrity_failures"]);
    }
  });

  it("are not critical where alert_on_critical is false", () => {
    const root = temporaryDirectory();
    plant(root, { "safety_config.yaml": "safety: { emergency: { alert_on_critical: false } }" });
    const { metrics, work, ids } = collecting("", root);
    work(1, damaged);
    metrics.flush();
    expect(ids()).toEqual([]);
  });

  it("count what the file holds of an earlier process, and are not told of twice", () => {
    const first = collecting();
    first.work(15);
    first.work(1, rolledBack);
    first.metrics.flush();
    expect(first.ids()).toEqual([]);
    const second = collecting("", first.root);
    second.work(3);
    second.work(1, rolledBack);
    second.metrics.flush();
    expect(second.ids()).toEqual(["rollback_rate"]);
    const third = collecting("", first.root);
    third.work(1);
    third.metrics.flush();
    expect(third.ids()).toEqual([]);
    expect(third.metrics.alerts).toHaveLength(1);
    expect(third.logged()).toEqual(["rollback_rate"]);
  });

  it("are raised by an undo that fails, not by one that was done", () => {
    const { metrics, work, ids } = collecting();
    work(20);
    const note = (rollback: "done" | "failed") =>
      metrics.meter.note({ name: "undo", sizeBytes: 0 }, 1, {
        ...nothingDone,
        safety: { rollback },
      });
    for (let n = 0; n < 10; n++) note("done");
    metrics.flush();
    expect(ids()).toEqual([]);
    for (let n = 0; n < 2; n++) note("failed");
    metrics.flush();
    expect(metrics.aggregate().safety).toMatchObject({
      ...{ rollbacks: 12, rollbackRate: 12 / 32, rollbackSuccessRate: 10 / 12 },
      ...{ unaskedRollbacks: 2, unaskedRollbackRate: 2 / 32 },
    });
    expect(ids()).toEqual(["rollback_rate"]);
  });

  it("are raised by batches that are taken back", async () => {
    const { metrics, ids } = collecting();
    const overlay = plainOverlay();
    for (let n = 0; n < 20; n++) {
      await batch(overlay, (b) => b.write("a", "1").remove("none"), { meter: metrics.meter });
    }
    expect(metrics.aggregate().safety).toMatchObject({
      ...{ errors: 20, errorRate: 1 },
      ...{ rollbacks: 20, rollbackRate: 1, rollbackSuccessRate: 1 },
      ...{ unaskedRollbacks: 20, unaskedRollbackRate: 1 },
    });
    metrics.flush();
    expect(ids()).toEqual(["rollback_rate", "error_rate"]);
  });
});

describe("alerts about the system", () => {
  /** A disk with so much room left. */
  class FullDisk extends NodeDisk {
    freeBytesLeft = 1024 ** 4;

    override freeBytes(): number {
      return this.freeBytesLeft;
    }
  }

  it("stand as long as the disk has no room for what an overlay may hold", () => {
    const root = temporaryDirectory();
    const limit = "performance: { memory_limit: 1KB }";
    plant(root, { "write_optimization_config.yaml": `write_optimization: { ${limit} }` });
    const { values } = effectiveConfig({ root, environment: {} });
    const raised: Alert[] = [];
    const disk = new FullDisk();
    const metrics = collectMetrics(values, { root, disk, onAlert: (one) => raised.push(one) });
    metrics.flush();
    expect(metrics.alerts).toEqual([]);
    disk.freeBytesLeft = 1023;
    metrics.flush();
    metrics.flush();
    expect(raised).toMatchObject([{ id: "disk_space", kind: "SystemHealthAlert", value: 1023 }]);
    expect(metrics.alerts).toEqual(raised);
    disk.freeBytesLeft = 1024;
    metrics.flush();
    expect(metrics.alerts).toEqual([]);
  });

  it("are not looked for with watchesSystem: false", () => {
    const root = temporaryDirectory();
    const disk = new FullDisk();
    disk.freeBytesLeft = 0;
    const { values } = effectiveConfig({ root, environment: {} });
    const metrics = collectMetrics(values, { root, disk, watchesSystem: false });
    metrics.flush();
    expect(metrics.alerts).toEqual([]);
  });
});

describe("the file of the measurements", () => {
  it("is not written through a link on the way to it", () => {
    const outside = temporaryDirectory();
    const root = temporaryDirectory();
    fs.symlinkSync(outside, join(root, "link"));
    const { metrics, work } = collecting('metrics: { storage: { file_path: "link/m" } }', root);
    work(1);
    metrics.flush();
    expect(metrics.problem?.message).toMatch(/a link leads there/);
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  it("is not read whole for a line more, and loses what is old all at once", () => {
    const { metrics, work, clock, root } = collecting("metrics: { collection: { retention: 8h } }");
    const path = join(root, ".write_optimization_metrics.json");
    const hourMs = 3_600_000;
    const line = (id: string, hours: number) =>
      `${JSON.stringify({ id, startedAtMs: clock.ms - hours * hourMs })}\n`;
    fs.writeFileSync(path, `${line("old", 8.5)}torn\n${line("young", 1)}`);
    work(1);
    metrics.flush();
    expect(fs.readFileSync(path, "utf8")).toMatch(/^\{"id":"old".*\ntorn\n\{"id":"young".*\n\{/);
    const later = collecting("metrics: { collection: { retention: 7h } }", root);
    later.work(1);
    later.metrics.flush();
    expect(fs.readFileSync(path, "utf8")).toMatch(/^\{"id":"young".*\n\{.*\n\{.*\n$/);
  });
});

describe("alerts.notifications.email", () => {
  const mailing = "alerts: { notifications: { email: true } }";

  /** A `sendmail` that does as the script says, in front of all others. */
  function installSendmail(script: string): string {
    const directory = temporaryDirectory();
    const program = join(directory, "sendmail");
    fs.writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${directory}:${process.env["PATH"]}`);
    return directory;
  }

  afterEach(() => vi.unstubAllEnvs());

  it("hands each alert to sendmail once, for $MAILTO", async () => {
    vi.stubEnv("MAILTO", "ops@example.org");
    const directory = installSendmail('echo "$@" >> "$0.args"; cat >> "$0.mail"');
    const { metrics, work, root } = collecting(mailing);
    work(1, damaged);
    metrics.flush();
    metrics.flush();
    expect(await metrics.mailed()).toBeUndefined();
    expect(fs.readFileSync(join(directory, "sendmail.args"), "utf8")).toBe("-i -t\n");
    const mail = fs.readFileSync(join(directory, "sendmail.mail"), "utf8");
    expect(mail).toMatch(
      /^To: ops@example\.org\nSubject: draftfs critical: integrity_failures on /,
    );
    expect(mail).toContain("\n\n1 of 1 integrity checks failed.");
    expect(mail).toContain(JSON.stringify(root));
  });

  it("mails the user where no address is set", async () => {
    vi.stubEnv("MAILTO", "");
    const directory = installSendmail('cat >> "$0.mail"');
    const { metrics, work } = collecting(mailing);
    work(1, damaged);
    metrics.flush();
    await metrics.mailed();
    const mail = fs.readFileSync(join(directory, "sendmail.mail"), "utf8");
    expect(mail.split("\n")[0]).toBe(`To: ${userInfo().username}`);
  });

  it.each([
    ["a sendmail that fails", "exit 75", "ops@example.org", /by sendmail: it ended with 75\./],
    ["an address with a line break", "exit 0", "a\nBcc: b", /\$MAILTO holds a line break/],
  ])("tells of %s", async (_, script, address, message) => {
    vi.stubEnv("MAILTO", address);
    installSendmail(script);
    const { metrics, work } = collecting(mailing);
    work(1, damaged);
    metrics.flush();
    expect((await metrics.mailed())?.message).toMatch(message);
  });

  it("tells of a machine without sendmail", async () => {
    vi.stubEnv("PATH", temporaryDirectory());
    const { metrics, work } = collecting(mailing);
    work(1, damaged);
    metrics.flush();
    expect((await metrics.mailed())?.message).toMatch(/ENOENT.*alerts\.notifications\.email/);
  });

  it("mails nobody unless it is set", async () => {
    const directory = installSendmail('cat >> "$0.mail"');
    const { metrics, work, ids } = collecting();
    work(1, damaged);
    metrics.flush();
    expect(await metrics.mailed()).toBeUndefined();
    expect(ids()).toEqual(["integrity_failures"]);
    expect(fs.existsSync(join(directory, "sendmail.mail"))).toBe(false);
  });
});
