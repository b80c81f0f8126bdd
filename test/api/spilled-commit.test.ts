import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { packedContentBytesMax } from "../../src/limits.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "draftfs-spilled-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("a file whose content was spilled", () => {
  it("is no hard link once it is committed, although the overlay is open still", async () => {
    await using overlay = await openOverlay(root, { memoryLimitBytes: 1 << 20 });
    const bytes = Buffer.alloc(packedContentBytesMax + 1, "spilled ");
    overlay.fs.writeFileSync("big", bytes);
    const descriptor = overlay.fs.openSync("big", "r");
    await overlay.commit({ durability: "none" });
    const { nlink, ino } = statSync(join(root, "big"));
    expect(nlink).toBe(1);
    const staging = join(root, ".draftfs/staging");
    const spilled = readdirSync(staging, { recursive: true }).map(String);
    expect(spilled.filter((path) => /spill-.*\//.test(path))).toEqual([]);
    expect(overlay.fs.readFileSync(descriptor).equals(bytes)).toBe(true);

    overlay.fs.appendFileSync("big", "+");
    await overlay.commit({ durability: "none" });
    expect(statSync(join(root, "big")).ino).not.toBe(ino);
    expect(readFileSync(join(root, "big")).length).toBe(bytes.length + 1);
  });
});
