import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";

const another = 31_415;

test.runIf(process.geteuid?.() === 0)(
  "a directory made below a setgid one of another group has the group that it is to have",
  async () => {
    const root = fs.mkdtempSync(join(memoryDirectory(), "draftfs-group-"));
    const groupOf = (name: string) => fs.lstatSync(join(root, name)).gid;
    try {
      fs.mkdirSync(join(root, "d/sub"), { recursive: true });
      fs.writeFileSync(join(root, "d/file"), "");
      fs.chownSync(join(root, "d"), 0, another);
      fs.chmodSync(join(root, "d"), 0o2777);
      await using overlay = await openOverlay(root);
      overlay.fs.mkdirSync("d/new");
      overlay.fs.chownSync("d/new", 0, 0);
      await overlay.commit({ durability: "none" });
      expect(groupOf("d/new")).toBe(0);
      overlay.fs.rmSync("d", { recursive: true });
      await overlay.commit({ durability: "none" });
      await overlay.undo({ durability: "none" });
      expect(["d", "d/sub", "d/file", "d/new"].map(groupOf)).toEqual([another, 0, 0, 0]);
    } finally {
      removeTree(root);
    }
  },
);
