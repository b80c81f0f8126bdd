import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";

it("a patch and a plan tell of each file before they read it", async () => {
  const root = fs.mkdtempSync(join(tmpdir(), "draftfs-progress-"));
  try {
    await using overlay = await openOverlay(root);
    for (const name of ["a", "b", "c"]) overlay.fs.writeFileSync(name, `${name}\n`);
    const told: string[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }): void => {
      told.push(`${done}/${total}`);
    };
    const diff = await overlay.diff();
    expect(diff.toPatch({ onProgress })).toEqual(diff.toPatch());
    expect(told.splice(0)).toEqual(["0/3", "1/3", "2/3"]);
    expect(await overlay.plan({ include: ["/a", "/b"], onProgress })).toEqual(
      await overlay.plan({ include: ["/a", "/b"] }),
    );
    expect(told).toEqual(["0/2", "1/2"]);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});
