import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { currentOverlay } from "../../src/vitest/current-overlay.ts";
import { overlayTestBy } from "../../src/vitest/overlay-test.ts";
import { changesBetween, fingerprintOf } from "../conformance/harness/lower-guard.ts";

const root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-vitest-")));
nodeFs.mkdirSync(join(root, "d"));
nodeFs.writeFileSync(join(root, "a.txt"), "alpha");
nodeFs.writeFileSync(join(root, "d/b.txt"), "bravo");
const before = fingerprintOf(nodeFs, root);
const outer = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-vitest-outer-")));
const nested = join(outer, "nested");
const committed = await openOverlay(outer);
committed.fs.mkdirSync("nested");
await committed.commit();
await committed.close();

afterAll(() => {
  const changes = changesBetween(before, fingerprintOf(nodeFs, root));
  nodeFs.rmSync(root, { recursive: true });
  nodeFs.rmSync(outer, { recursive: true });
  expect(changes).toEqual([]);
});

const overlaid = overlayTestBy(test, root);
const overlaidNested = overlayTestBy(test, nested);

describe("overlayTest", () => {
  overlaid("one test changes and removes what it likes", ({ fs, overlay }) => {
    expect(overlay.generation).toBeGreaterThanOrEqual(0);
    fs.writeFileSync(join(root, "a.txt"), "changed");
    fs.rmSync(join(root, "d"), { recursive: true });
    fs.writeFileSync("new.txt", "new");
    expect(fs.readdirSync(root).sort()).toEqual(["a.txt", "new.txt"]);
  });

  overlaid("the next test finds the tree as it lies on the disk", ({ fs }) => {
    expect(fs.readFileSync(join(root, "a.txt"), "utf8")).toBe("alpha");
    expect(fs.readdirSync(root, { recursive: true }).sort()).toEqual(["a.txt", "d", "d/b.txt"]);
    fs.renameSync(join(root, "d"), join(root, "e"));
  });

  overlaid("a renamed directory is back as well", ({ fs }) => {
    expect(fs.readFileSync(join(root, "d/b.txt"), "utf8")).toBe("bravo");
    expect(fs.existsSync(join(root, "e"))).toBe(false);
  });

  describe.concurrent("does not take back what a second test at the same time changes", () => {
    let hasEnded = () => {};
    const secondEnd = new Promise<void>((resolve) => {
      hasEnded = resolve;
    });
    afterEach(({ task }) => {
      if (task.name === "the second is refused") hasEnded();
    });

    overlaid("the first goes on", async ({ fs }) => {
      fs.writeFileSync("mine", "");
      await secondEnd;
      expect(fs.existsSync("mine")).toBe(true);
    });
    overlaid.fails("the second is refused", ({ fs }) => {
      fs.writeFileSync("theirs", "");
    });
  });

  describe("lies under node:fs", () => {
    overlaid("while a test runs", ({ overlay }) => {
      expect(currentOverlay()?.fs).toBe(overlay.fs);
    });

    test("and not afterwards", () => {
      expect(currentOverlay()).toBe(undefined);
    });
  });

  overlaidNested("works in what lies below a root of draftfs", ({ fs }) => {
    fs.writeFileSync("new", "x");
    expect(fs.readdirSync(nested)).toEqual(["new"]);
  });

  // backstage/backstage#2926, tschaub/mock-fs#332.
  test("nothing of it is on the disk", () => {
    expect(changesBetween(before, fingerprintOf(nodeFs, root))).toEqual([]);
  });
});
