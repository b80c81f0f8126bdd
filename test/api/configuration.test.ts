import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSettings } from "../../src/api/settings.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { RootLock } from "../../src/commit/lock/lock.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { isDraftError, type Overlay, openOverlay } from "../../src/index.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { makeChanges, makeTree } from "../commit/scenario.ts";
import { disturb } from "../crash/commit-faults.ts";
import { FaultDisk } from "../support/fault-disk.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "draftfs-settings-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const fileOf: Readonly<Record<string, string>> = {
  write_optimization: "write_optimization_config.yaml",
  metrics: "metrics_config.yaml",
  safety: "safety_config.yaml",
};

/** Sets keys in the files they belong to, and nothing else there. */
function configure(keys: Readonly<Record<string, string>>): void {
  const trees: Record<string, Record<string, Record<string, string>>> = {};
  for (const [key, value] of Object.entries(keys)) {
    const [top = "", ...rest] = key.split(".");
    const [section, name] =
      rest.length === 1 ? ["", rest[0] ?? ""] : [rest[0] ?? "", rest[1] ?? ""];
    trees[top] ??= {};
    trees[top][section] = { ...trees[top][section], [name]: value };
  }
  for (const [top, sections] of Object.entries(trees)) {
    const lines = Object.entries(sections).flatMap(([section, names]) => {
      const indent = section === "" ? "  " : "    ";
      const set = Object.entries(names).map(([name, value]) => `${indent}${name}: ${value}`);
      return section === "" ? set : [`  ${section}:`, ...set];
    });
    writeFileSync(join(root, fileOf[top] ?? ""), `${top}:\n${lines.join("\n")}\n`);
  }
}

const open = () => openOverlay(root);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return isDraftError(error) ? error.code : String(error);
  }
  return "fulfilled";
}

async function commit(overlay: Overlay, path: string, content: string): Promise<void> {
  overlay.fs.mkdirSync(dirname(join(root, path)), { recursive: true });
  overlay.fs.writeFileSync(path, content);
  await overlay.commit();
}

async function commits(overlay: Overlay, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) await commit(overlay, "counter", `${n}\n`);
}

/** The settings of the root, as a commit takes them. */
async function settings() {
  return readSettings(new NodeDisk(), stateDirectoryOf(root));
}

/** Commits on a disk of one's own, under the checks that the files of the root ask for. */
async function commitOn(disk: Disk): Promise<string> {
  const { checks, skippedChecks } = await settings();
  const store = openCommitStore(disk, stateDirectoryOf(root));
  const changes = new ChangeBuilder(root).create("file", "sound\n").build();
  return codeOf(commitChangeSet(store, changes, { checks, skippedChecks }));
}

/** Replaces sound JSON by something that is none: what `strict` refuses. */
async function breakJson(): Promise<string> {
  writeFileSync(join(root, "data.json"), "{}\n");
  await using overlay = await open();
  overlay.fs.writeFileSync("data.json", "{,}\n");
  return codeOf(overlay.commit());
}

const level = "write_optimization.safety.validation_level";
const stricter = "safety.integrity_checks.level";

describe("the level of the checks", () => {
  it.each([
    [{}, "fulfilled"],
    [{ [level]: "strict" }, "DRAFT_CHECK_FAILED"],
    [{ [level]: "normal" }, "fulfilled"],
    [{ [stricter]: "strict" }, "DRAFT_CHECK_FAILED"],
    [{ [level]: "minimal", [stricter]: "strict" }, "DRAFT_CHECK_FAILED"],
    [{ [level]: "strict", [stricter]: "minimal" }, "DRAFT_CHECK_FAILED"],
    [{ [level]: "strict", "safety.integrity_checks.enabled": "false" }, "fulfilled"],
    [{ "safety.integrity_checks.enabled": "true" }, "DRAFT_CHECK_FAILED"],
    [{ "safety.validation.content_validation": "true" }, "DRAFT_CHECK_FAILED"],
    [{ [level]: "strict", "safety.validation.content_validation": "false" }, "fulfilled"],
    // Files that say nothing about checks do not raise them.
    [{ "metrics.collection.enabled": "false" }, "fulfilled"],
    [{ "safety.backups.retention": "3" }, "fulfilled"],
    [{ "write_optimization.performance.io_timeout": "1" }, "fulfilled"],
  ])("under %o: breaking a JSON file is %s", async (keys, outcome) => {
    configure(keys);
    expect(await breakJson()).toBe(outcome);
    expect(readFileSync(join(root, "data.json"), "utf8")).toBe(
      outcome === "fulfilled" ? "{,}\n" : "{}\n",
    );
  });

  it("is overruled whole by the one that a commit names", async () => {
    configure({ [level]: "minimal", "safety.validation.content_validation": "false" });
    writeFileSync(join(root, "data.json"), "{}\n");
    await using overlay = await open();
    overlay.fs.writeFileSync("data.json", "{,}\n");
    expect(await codeOf(overlay.commit({ checks: "strict" }))).toBe("DRAFT_CHECK_FAILED");
  });

  it("holds for plans that are applied later, not for what undo brings back", async () => {
    writeFileSync(join(root, "data.json"), "{,}\n");
    await using first = await open();
    await commit(first, "data.json", "{}\n");
    first.fs.writeFileSync("data.json", "{;}\n");
    const plan = await first.plan();
    configure({ [level]: "strict" });
    await using overlay = await open();
    expect(await codeOf(overlay.applyPlan(plan))).toBe("DRAFT_CHECK_FAILED");
    await overlay.undo();
    expect(readFileSync(join(root, "data.json"), "utf8")).toBe("{,}\n");
  });

  it("switches the look at room off with pre_write, the reading back with post_write", async () => {
    class FullDisk extends FaultDisk {
      override freeBytes(): number {
        return 100_000;
      }
    }
    class DecayingDisk extends FaultDisk {
      override write(descriptor: number, bytes: Uint8Array, position?: number): void {
        const copy = Buffer.from(bytes);
        if (copy.toString("latin1") === "sound\n") copy[0] = 0;
        super.write(descriptor, copy, position);
      }
    }
    expect(await commitOn(new FullDisk(new NodeDisk()))).toBe("DRAFT_CHECK_FAILED");
    configure({ "safety.validation.pre_write": "false" });
    expect(await commitOn(new FullDisk(new NodeDisk()))).toBe("fulfilled");
    rmSync(join(root, "file"));
    configure({ "safety.validation.post_write": "true" });
    expect(await commitOn(new DecayingDisk(new NodeDisk()))).toBe("DRAFT_CHECK_FAILED");
    configure({ "safety.validation.post_write": "false", [level]: "strict" });
    expect(await commitOn(new DecayingDisk(new NodeDisk()))).toBe("fulfilled");
  });
});

describe("backups", () => {
  it.each([
    [{ "safety.backups.retention": "2" }, 2],
    [{ "safety.backups.retention": "0" }, 1],
    [{ "safety.backups.enabled": "false" }, 1],
    [{ "write_optimization.safety.backup_enabled": "false" }, 1],
    [{ "write_optimization.enabled": "true" }, 4],
  ])("under %o gc keeps %i operations, and as many as it is told", async (keys, kept) => {
    configure(keys);
    await using overlay = await open();
    await commits(overlay, 4);
    expect(await overlay.collectGarbage({ operations: 3 })).toMatchObject({ kept: 3 });
    expect(await overlay.collectGarbage()).toMatchObject({ kept: Math.min(kept, 3) });
    expect(await overlay.log()).toHaveLength(Math.min(kept, 3));
  });

  it("are compressed by gc, unless compression is off", async () => {
    const sizeAfter = async () => {
      await using overlay = await open();
      await commit(overlay, "large", "the same line\n".repeat(10_000));
      await commit(overlay, "other", "x");
      return (await overlay.collectGarbage()).bytesAfter;
    };
    expect(await sizeAfter()).toBeLessThan(10_000);
    rmSync(root, { recursive: true });
    mkdirSync(root);
    configure({ "safety.backups.compression": "false" });
    expect(await sizeAfter()).toBeGreaterThan(140_000);
  });
});

describe("io_timeout", () => {
  it("is how long everything that changes the tree waits for another process", async () => {
    configure({ "write_optimization.performance.io_timeout": "20ms" });
    await using overlay = await open();
    await commits(overlay, 2);
    overlay.fs.writeFileSync("counter", "3\n");
    const plan = await overlay.plan();
    await overlay.undo();
    const lock = await RootLock.take(new NodeDisk(), stateDirectoryOf(overlay.root));
    try {
      const attempts = [
        () => overlay.commit(),
        () => overlay.commitForce(),
        () => overlay.applyPlan(plan),
        () => overlay.undo(),
        () => overlay.redo(),
        () => overlay.restore({ checkpoint: "1" }),
        () => overlay.repair(),
      ];
      for (const attempt of attempts) expect(await codeOf(attempt())).toBe("DRAFT_LOCKED");
    } finally {
      lock.release();
    }
  });
});

describe("rollbacks", () => {
  it("are refused where they are switched off; what they would do can be seen", async () => {
    configure({ "safety.rollback.enabled": "false" });
    await using overlay = await open();
    await commits(overlay, 2);
    const attempts = [
      () => overlay.undo(),
      () => overlay.redo(),
      () => overlay.restore({ checkpoint: "1" }),
    ];
    for (const attempt of attempts) expect(await codeOf(attempt())).toBe("DRAFT_UNSUPPORTED");
    expect((await overlay.previewUndo()).changeSet.changes).toHaveLength(1);
    expect(readFileSync(join(root, "counter"), "utf8")).toBe("2\n");
  });

  it.each([
    [{ "safety.rollback.timeout": "20ms" }],
    [{ "write_optimization.safety.rollback_timeout": "20ms" }],
    [
      {
        "safety.rollback.timeout": "60s",
        "write_optimization.safety.rollback_timeout": "20ms",
      },
    ],
  ])("are stopped after the time of %o, with nothing changed", async (keys) => {
    configure(keys);
    await using overlay = await open();
    await commits(overlay, 1);
    const lock = await RootLock.take(new NodeDisk(), stateDirectoryOf(overlay.root));
    try {
      const error = await overlay.undo().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "DRAFT_ABORTED" });
      expect(String(error)).toMatch(/after 20 ms.*safety\.rollback\.timeout/);
    } finally {
      lock.release();
    }
    expect(readFileSync(join(root, "counter"), "utf8")).toBe("1\n");
  });

  it("leave what a failing transaction has made pending, with auto_rollback_on_error off", async () => {
    const fail = async (overlay: Overlay) => {
      const work = overlay.transact(({ fs }) => {
        fs.writeFileSync("a", "1");
        throw new Error("failed");
      });
      await expect(work).rejects.toThrow("failed");
      return (await overlay.diff()).changes.length;
    };
    await using first = await open();
    expect(await fail(first)).toBe(0);
    configure({ "safety.rollback.auto_rollback_on_error": "false" });
    await using second = await open();
    const before = (await second.diff()).changes.length;
    expect((await fail(second)) - before).toBe(1);
    await second.commit();
    expect(readFileSync(join(root, "a"), "utf8")).toBe("1");
  });
});

describe("shutdown_on_critical", () => {
  const packs = () => join(root, ".draftfs/checkpoints.git/objects/pack");

  /** Turns bits of the content in a pack, or turns them back. */
  function damage(): void {
    const [name = ""] = readdirSync(packs()).filter((one) => one.endsWith(".pack"));
    const path = join(packs(), name);
    const bytes = readFileSync(path);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    chmodSync(path, 0o600);
    writeFileSync(path, bytes);
  }

  it("changes nothing more once damage was met, until it is gone", async () => {
    await using overlay = await open();
    await commit(overlay, "a", "one\n");
    damage();
    expect((await overlay.verify()).isSound).toBe(false);
    overlay.fs.writeFileSync("a", "two\n");
    const attempts = [
      () => overlay.commit(),
      () => overlay.commitForce(),
      () => overlay.transact(({ fs }) => fs.writeFileSync("b", "1")),
      () => overlay.undo(),
      () => overlay.redo(),
      () => overlay.restore({ checkpoint: "1" }),
      () => overlay.collectGarbage(),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: "DRAFT_STORE_CORRUPT",
        message: expect.stringContaining("shutdown_on_critical"),
      });
    }
    expect(readFileSync(join(root, "a"), "utf8")).toBe("one\n");
    damage();
    expect((await overlay.verify()).isSound).toBe(true);
    await overlay.commit();
    expect(readFileSync(join(root, "a"), "utf8")).toBe("two\n");
  });

  it("lets what needs nothing of it go on where it is false", async () => {
    configure({ "safety.emergency.shutdown_on_critical": "false" });
    await using overlay = await open();
    await commit(overlay, "a", "one\n");
    damage();
    expect((await overlay.verify()).isSound).toBe(false);
    await commit(overlay, "b", "two\n");
    expect(readFileSync(join(root, "b"), "utf8")).toBe("two\n");
  });
});

describe("recovery_attempts", () => {
  it.each([
    ["5", 5],
    ["1", 1],
    ["0", 1],
  ])("%s: so often is tried to finish what was cut off", async (written, tries) => {
    makeTree(root);
    makeChanges(root);
    let isDecided = false;
    await disturb(root, (call) => {
      const isStep = call.name === "mkdir" && call.path?.endsWith("/empty") === true;
      if (isDecided && isStep) return { kind: "death" };
      if (call.name === "rename" && call.path?.endsWith("journal/current")) isDecided = true;
      return { kind: "none" };
    });
    configure({ "safety.emergency.recovery_attempts": written });
    let refusals = 0;
    const disk = new FaultDisk(new NodeDisk(), (call) => {
      if (call.name !== "mkdir" || !call.path?.endsWith("/empty")) return { kind: "none" };
      refusals += 1;
      return { kind: "error", code: "EACCES" };
    });
    const { recoveryAttempts } = await settings();
    await recoverJournal(openCommitStore(disk, stateDirectoryOf(root), { recoveryAttempts }));
    expect(refusals).toBe(tries);
  });
});

describe("a configuration that is wrong", () => {
  const file = "write_optimization_config.yaml";

  it("does not keep the commit that brought it from being undone", async () => {
    await using overlay = await open();
    await commit(overlay, file, "write_optimization: { enabeld: true }\n");
    expect(await codeOf(open())).toBe("DRAFT_CONFIG");
    await using tolerant = await openOverlay(root, { ignoreBadConfig: true });
    expect(tolerant.configProblem?.message).toContain("enabeld");
    await tolerant.undo();
    await using again = await open();
    expect(again.configProblem).toBeUndefined();
  });

  it("is a file that cannot be read as well", async () => {
    mkdirSync(join(root, file));
    expect(await codeOf(open())).toBe("DRAFT_CONFIG");
    rmSync(join(root, file), { recursive: true });
    configure({ "write_optimization.enabled": "true" });
    chmodSync(join(root, file), 0);
    const expected = process.getuid?.() === 0 ? "fulfilled" : "DRAFT_CONFIG";
    expect(await codeOf(open().then((overlay) => overlay.close()))).toBe(expected);
  });
});
