import fs from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type Transaction,
  type TransactionResult,
  transaction,
} from "../../src/engines/batch/transaction.ts";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import { explain } from "../../src/engines/optimizer/optimizer.ts";
import { optimizerSettingsOf } from "../../src/engines/optimizer-settings.ts";
import { TemplateCache } from "../../src/engines/template/template-cache.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { layerOverlay, overlayKinds, viewOf } from "./support/layer-overlay.ts";
import { plainOverlay, plant, watchedFs } from "./support/plain-overlay.ts";

const hex = (content: string, mode = "644") => `${mode} ${Buffer.from(content).toString("hex")}`;

describe.each(overlayKinds)("a transaction over %s", (_name, overlayOver) => {
  function over(files: Record<string, string>) {
    const planted = plainOverlay();
    plant(planted.root, files);
    return overlayOver(planted.root);
  }

  it("shows its own changes to itself, and to others only when it ends", async () => {
    const overlay = over({ "a.txt": "a", "gone.txt": "g" });
    const before = viewOf(overlay);
    const result = await transaction(overlay, async (t) => {
      t.write("new/b.txt", "b");
      t.edit("a.txt", replaceText("a", "A"));
      t.remove("gone.txt");
      await Promise.resolve();
      expect(viewOf(overlay)).toEqual(before);
      expect(t.read("new/b.txt")?.toString()).toBe("b");
      expect(t.read("gone.txt")).toBeUndefined();
      return t.read("a.txt")?.toString();
    });
    expect(result).toMatchObject({ value: "A", operations: 3, writes: 2, deletes: 1, attempts: 1 });
    expect(viewOf(overlay)).toEqual({ "a.txt": hex("A"), new: "/", "new/b.txt": hex("b") });
  });

  it("keeps what it was given, and what it has read, whatever becomes of the buffers", async () => {
    const overlay = over({ "a.txt": "a" });
    await transaction(overlay, (t) => {
      const given = Buffer.from("given");
      t.write("b.txt", given);
      given.fill("-");
      t.read("a.txt")?.fill("-");
      t.read("b.txt")?.fill("-");
    });
    expect(viewOf(overlay)).toEqual({ "a.txt": hex("a"), "b.txt": hex("given") });
  });

  it("leaves nothing when its function throws", async () => {
    const overlay = over({ "a.txt": "a" });
    const before = viewOf(overlay);
    const work = transaction(overlay, (t) => {
      t.write("b.txt", "b");
      throw new Error("changed my mind");
    });
    await expect(work).rejects.toThrow("changed my mind");
    expect(viewOf(overlay)).toEqual(before);
  });

  it("moves a file with its mode", async () => {
    const overlay = over({ "a.sh": "a" });
    overlay.fs.chmodSync(`${overlay.root}/a.sh`, 0o755);
    await transaction(overlay, (t) => t.move("a.sh", "bin/b.sh"));
    expect(viewOf(overlay)).toEqual({ bin: "/", "bin/b.sh": hex("a", "755") });
  });
});

describe("a transaction", () => {
  const strategies = ({ decisions }: TransactionResult<unknown>) =>
    decisions.map(({ decision }) => decision.strategy);

  it("detects opportunities among its operations by itself", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { a: "1 2", "x/1.ts": "old", "x/2.ts": "old" });
    const two = await transaction(overlay, (t) => {
      t.write("b", "b");
      t.write("c", "c");
    });
    expect(strategies(two)).toEqual(["standard", "standard"]);
    const seen: Measurement[] = [];
    const many = await transaction(
      overlay,
      (t) => {
        for (const name of ["1", "2", "3"]) t.write(`x/${name}.ts`, `export const a${name} = 1;`);
        t.edit("a", replaceText("1", "one"));
        t.edit("a", replaceText("2", "two"));
      },
      { observer: (measurement) => seen.push(measurement) },
    );
    expect(strategies(many)).toEqual(["batch", "batch", "batch", "coalesce", "coalesce"]);
    expect(explain(many.decisions[0]?.decision ?? expect.fail())).toMatch(/3 similar operations/);
    expect(many.decisions.map(({ callsSaved }) => callsSaved)).toEqual([0, 0, 0, 1, 1]);
    expect(many).toMatchObject({ reads: 1, writes: 4, fallback: undefined });
    expect(seen).toMatchObject([{ baselineCalls: 7, gain: 2 / 7, optimization: "coalesce" }]);
  });

  it("goes by its settings: thresholds, the size of a group, and the switch", async () => {
    const overlay = plainOverlay();
    const groups: number[] = [];
    const settings = { ...optimizerSettingsOf(), batchFilesMax: 2, operationsForBatchMin: 6 };
    const write = (t: Transaction) => {
      for (const name of ["1", "2", "3", "4", "5"]) t.write(name, name);
      t.edit("1", replaceText("1", "one"));
    };
    const onProgress = (files: number) => groups.push(files);
    const result = await transaction(overlay, write, { settings, onProgress });
    expect(new Set(strategies(result))).toEqual(new Set(["coalesce", "batch"]));
    expect(groups).toEqual([2, 4, 5]);
    const off = await transaction(overlay, write, { settings: { ...settings, enabled: false } });
    expect(new Set(strategies(off))).toEqual(new Set(["standard"]));
    expect(off).toMatchObject({ reads: 1, writes: 6 });
    expect(viewOf(overlay)["1"]).toBe(hex("one"));
  });

  it("finds the template that its files have in common", async () => {
    const file = (name: string) => `export const ${name} = defineComponent({ name: "${name}" });\n`;
    const templates = new TemplateCache();
    const result = await transaction(
      plainOverlay(),
      (t) => {
        for (const name of ["alpha", "beta", "gamma"]) t.write(`c/${name}.ts`, file(name));
      },
      { templates },
    );
    expect(strategies(result)).toEqual(["template", "template", "template"]);
    expect(templates.size).toBe(1);
  });

  it("falls back to the standard path when an engine fails, once and visibly", async () => {
    const broken = new Error("the engine broke");
    let isApplied = false;
    const { fs: failing } = watchedFs((name) => {
      if (name !== "writeFileSync" || isApplied) return undefined;
      isApplied = true;
      return broken;
    });
    const overlay = plainOverlay(undefined, failing);
    const told: unknown[] = [];
    const seen: Measurement[] = [];
    const result = await transaction(
      overlay,
      (t) => {
        t.write("a", "a");
        t.write("b", "b");
      },
      {
        onFallback: (error) => told.push(error),
        observer: (measurement) => seen.push(measurement),
      },
    );
    expect(result.fallback).toBe(broken);
    expect(told).toEqual([broken]);
    expect(seen).toMatchObject([{ outcome: "fell_back", optimization: "none" }]);
    expect(viewOf(overlay)).toEqual({ a: hex("a"), b: hex("b") });
  });

  it("stops on a signal, and changes nothing then", async () => {
    const overlay = plainOverlay();
    const controller = new AbortController();
    const { signal } = controller;
    const stopped = transaction(
      overlay,
      (t) => {
        t.write("a", "a");
        controller.abort();
      },
      { signal },
    );
    await expect(stopped).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    const late = new AbortController();
    const settings = { ...optimizerSettingsOf(), batchFilesMax: 1 };
    const halfway = transaction(
      overlay,
      (t) => {
        t.write("a", "a");
        t.write("b", "b");
      },
      { signal: late.signal, settings, onProgress: () => late.abort() },
    );
    await expect(halfway).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    expect(viewOf(overlay)).toEqual({});
  });

  it("moves a file over another as a rename does: the mode is that of the one moved", async () => {
    const overlay = layerOverlay();
    plant(overlay.root, { "a.sh": "a", "b.txt": "b" });
    fs.chmodSync(`${overlay.root}/a.sh`, 0o775);
    await transaction(overlay, (t) => {
      t.edit("a.sh", replaceText("a", "A"));
      t.move("a.sh", "b.txt");
      expect(t.read("b.txt")?.toString()).toBe("A");
      expect(t.read("a.sh")).toBeUndefined();
    });
    expect(viewOf(overlay)).toEqual({ "b.txt": hex("A", "775") });
  });

  it("refuses to move a link, of which only the target could be kept", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a" });
    fs.symlinkSync("a", `${overlay.root}/link`);
    const work = transaction(overlay, (t) => t.move("link", "b"));
    await expect(work).rejects.toMatchObject({ code: "DRAFT_TRANSACTION" });
  });
});

describe("transactions at the same time", () => {
  const add = async (t: Transaction): Promise<void> => {
    const value = Number(t.read("counter")?.toString() ?? "0");
    await new Promise((resolve) => setTimeout(resolve, 0));
    t.write("counter", String(value + 1));
  };

  it("never lose an update: one that read what another wrote is refused", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { counter: "0" });
    const ends = await Promise.allSettled([transaction(overlay, add), transaction(overlay, add)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(ends.find((end) => end.status === "rejected")?.reason).toMatchObject({
      code: "DRAFT_CONFLICT",
    });
    expect(viewOf(overlay)).toEqual({ counter: hex("1") });
  });

  it("all succeed when they may start over, in some order", async () => {
    const overlay = plainOverlay();
    const work = Array.from({ length: 8 }, () => transaction(overlay, add, { retries: 20 }));
    await Promise.all(work);
    expect(viewOf(overlay)).toEqual({ counter: hex("8") });
  });

  it("touch different files without noticing each other", async () => {
    const overlay = plainOverlay();
    const write = (name: string) =>
      transaction(overlay, async (t) => {
        t.write(name, name);
        await new Promise((resolve) => setTimeout(resolve, 0));
      });
    const results = await Promise.all(["a", "b", "c"].map(write));
    expect(results.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
  });

  it("refuse one that deletes what another deleted, and one that creates what another created", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a", b: "b" });
    const both = (work: (t: Transaction) => void) =>
      Promise.allSettled(
        [0, 1].map(() =>
          transaction(overlay, async (t) => {
            work(t);
            await new Promise((resolve) => setTimeout(resolve, 0));
          }),
        ),
      );
    for (const work of [
      (t: Transaction) => t.remove("a"),
      (t: Transaction) => t.edit("new", replaceText("", "x")),
      (t: Transaction) => {
        t.remove("b");
        t.write("b", "again");
        t.move("b", "c");
      },
    ]) {
      const ends = await both(work);
      const refused = ends.filter((end) => end.status === "rejected");
      expect(refused.map(({ reason }) => reason)).toMatchObject([{ code: "DRAFT_CONFLICT" }]);
    }
  });

  it("cannot be used after they have ended", async () => {
    const overlay = plainOverlay();
    let leaked: Transaction | undefined;
    await transaction(overlay, (t) => {
      leaked = t;
    });
    expect(() => leaked?.write("a", "a")).toThrow(/has ended/);
  });
});
