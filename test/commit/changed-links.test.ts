import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";
import { overlayWays } from "./overlay-ways.ts";

let root: string;
const at = (path: string): string => join(root, path);
const relink = (target: string): void => {
  fs.rmSync(at("link"));
  fs.symlinkSync(target, at("link"));
};

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "draftfs-links-"));
  fs.symlinkSync("old", at("link"));
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const changes: Readonly<Record<string, (overlay: Overlay) => void>> = {
  removed: ({ fs: over }) => over.unlinkSync("link"),
  "pointed elsewhere": ({ fs: over }) => {
    over.unlinkSync("link");
    over.symlinkSync("ours", "link");
  },
  "replaced by a file": ({ fs: over }) => {
    over.unlinkSync("link");
    over.writeFileSync("link", "a file\n");
  },
  moved: ({ fs: over }) => over.renameSync("link", "moved"),
};

describe.each(Object.entries(overlayWays))("a link that %s has", (_way, hand) => {
  describe.each(Object.entries(changes))("%s", (_what, change) => {
    // Of the same length, so that the sizes agree.
    it.each(["new", "newer"])("is a conflict where it leads to %s since", async (target) => {
      const changed = await openOverlay(root, { draft: "main" });
      change(changed);
      relink(target);
      await using overlay = await hand(changed);
      await expect(overlay.commit()).rejects.toMatchObject({
        code: "DRAFT_CONFLICT",
        details: { conflicts: [{ path: "link", reason: "changed", theirs: { target } }] },
      });
      expect(fs.readlinkSync(at("link"))).toBe(target);
      expect(fs.existsSync(at("moved"))).toBe(false);
    });

    it("is committed over what leads there now when told to, and undone to that", async () => {
      const changed = await openOverlay(root, { draft: "main" });
      change(changed);
      relink("new");
      await using overlay = await hand(changed);
      const receipt = await overlay.commitForce();
      await receipt.undo();
      expect(fs.readlinkSync(at("link"))).toBe("new");
    });
  });
});

it("a link that was made again as it was is no conflict for a draft that has been saved", async () => {
  {
    await using overlay = await openOverlay(root, { draft: "main" });
    overlay.fs.unlinkSync("link");
    await overlay.saveDraft();
  }
  relink("old");
  await using overlay = await openOverlay(root, { draft: "main" });
  await overlay.commit();
  expect(fs.readdirSync(root)).toEqual([".draftfs"]);
});
