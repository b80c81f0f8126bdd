import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { patchOfEdits } from "../../src/commit/patch/patch.ts";
import { compareCheckpoints, editsOfCheckpoint } from "../../src/recovery/compare-checkpoints.ts";
import { findCheckpoint } from "../../src/recovery/find-checkpoint.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { runGit } from "../objects/store-fixture.ts";
import { fc } from "../support/properties.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

function patchBetween(from: string, to: string): Buffer {
  const { objects } = fixture.store;
  return patchOfEdits(
    compareCheckpoints(objects, findCheckpoint(objects, from), findCheckpoint(objects, to)),
  );
}

test("the difference of two checkpoints is the patch that git makes of them", async () => {
  await fixture.write({ a: "one\ntwo\n", "dir/b": "b\n", moved: "moves as it is\n" });
  await fixture.write({ a: "one\n2\n", "dir/b": undefined, "dir/c": "new\n" });
  await fixture.commit((fs, at) => fs.renameSync(at("moved"), at("elsewhere")));
  const ids = ["1", "3"].map((name) => findCheckpoint(fixture.store.objects, name).manifest.main);
  const [from, to] = ids as [string, string];
  const names = fixture.git("diff", "-M100%", "--name-status", from, to);
  expect(names).toBe("M\ta\nD\tdir/b\nA\tdir/c\nR100\tmoved\telsewhere\n");
  const patch = patchBetween("1", "3");
  expect(patch.toString().match(/^diff --git .*/gm)).toHaveLength(4);
  // Applied to what git checks out of the one it gives the other, byte for byte.
  const work = join(fixture.root, ".draftfs", "work");
  mkdirSync(work);
  fixture.git("--work-tree", work, "checkout", "-q", "-f", from, "--", ".");
  writeFileSync(join(fixture.root, ".draftfs", "patch"), patch);
  runGit(["-C", work, "apply", "--whitespace=nowarn", join(fixture.root, ".draftfs", "patch")]);
  fixture.git("--work-tree", work, "add", "-A", ".");
  expect(fixture.git("write-tree").trim()).toBe(fixture.git("rev-parse", `${to}^{tree}`).trim());
  expect(patchBetween("1", "1")).toHaveLength(0);
});

/** What a patch says of each file, with its lines. */
function summaryOf(patch: Buffer): string {
  return patch.toString().replaceAll(/^(?:index|---|\+\+\+|@@|similarity) .*\n/gm, "");
}

test("a file that a later operation was the first to touch was there before", async () => {
  for (const path of ["a", "b", "gone", "moved", "d/kept", "d/deep/x"]) fixture.edit(path, "0\n");
  fixture.edit("moved", "moved\n");
  await fixture.write({ a: "1\n" });
  await fixture.write({ b: "1\n", gone: undefined, new: "1\n" });
  await fixture.commit((fs, at) => {
    fs.renameSync(at("moved"), at("elsewhere"));
    fs.renameSync(at("d"), at("e"));
  });
  await fixture.write({ b: "2\n", "e/deep/x": "1\n", "new-directory/x": "1\n" });
  fixture.edit("new-directory/by-hand", "0\n");
  await fixture.write({ "new-directory/by-hand": "1\n" });
  const forth = summaryOf(patchBetween("1", "5"));
  expect(forth).toBe(
    [
      "diff --git a/b b/b\n-0\n+2\n",
      "diff --git a/d/deep/x b/d/deep/x\ndeleted file mode 100644\n-0\n",
      "diff --git a/e/deep/x b/e/deep/x\nnew file mode 100644\n+1\n",
      "diff --git a/moved b/elsewhere\nrename from moved\nrename to elsewhere\n",
      "diff --git a/gone b/gone\ndeleted file mode 100644\n-0\n",
      "diff --git a/new b/new\nnew file mode 100644\n+1\n",
      "diff --git a/new-directory/by-hand b/new-directory/by-hand\nnew file mode 100644\n+1\n",
      "diff --git a/new-directory/x b/new-directory/x\nnew file mode 100644\n+1\n",
    ].join(""),
  );
  const back = summaryOf(patchBetween("5", "1"));
  expect(back).toContain("diff --git a/b b/b\n-2\n+0\n");
  expect(back).toContain("diff --git a/gone b/gone\nnew file mode 100644\n+0\n");
  expect(summaryOf(patchBetween("1", "2"))).toContain("diff --git a/b b/b\n-0\n+1\n");
  await undo(fixture.store, { count: 5, durability: "none" });
  // What was there by hand stays when everything is undone, and the directory for it.
  expect(summaryOf(patchBetween("6", "1"))).toBe(
    [
      "diff --git a/a b/a\n-0\n+1\n",
      "diff --git a/new-directory/by-hand b/new-directory/by-hand\ndeleted file mode 100644\n-0\n",
    ].join(""),
  );
});

test("a file that was made anew by hand is new to whoever had recorded its deletion", async () => {
  fixture.edit("a", "0\n");
  await fixture.write({ a: undefined });
  fixture.edit("a", "by hand\n");
  await fixture.write({ a: "2\n" });
  expect(summaryOf(patchBetween("1", "2"))).toBe("diff --git a/a b/a\nnew file mode 100644\n+2\n");
});

test("what one operation did leaves out what others did, edits by hand among them", async () => {
  await fixture.write({ a: "1\n", b: "1\n" });
  fixture.edit("b", "by hand\n");
  await fixture.write({ b: "2\n" });
  const { objects } = fixture.store;
  const patch = patchOfEdits(editsOfCheckpoint(objects, findCheckpoint(objects, "2"))).toString();
  expect(patch.split("\n").slice(2)).toEqual([
    "--- a/b",
    "+++ b/b",
    "@@ -1 +1 @@",
    "-by hand",
    "+2",
    "",
  ]);
});

test("any two checkpoints differ in the files that git says", async () => {
  const name = fc.constantFrom("a", "b", "d/a", "d/b", "d/e/f");
  const files = fc.dictionary(name, fc.constantFrom("1", "2", "3"), { minKeys: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(files, { minLength: 2, maxLength: 4 }), async (versions) => {
      const own = new HistoryFixture();
      try {
        const mains: string[] = [];
        for (const version of versions) {
          const receipt = await own.commit((fs, at) => {
            for (const path of ["a", "b", "d"])
              fs.rmSync(at(path), { recursive: true, force: true });
            for (const [path, text] of Object.entries(version)) {
              fs.mkdirSync(join(at(path), ".."), { recursive: true });
              fs.writeFileSync(at(path), text);
            }
            fs.writeFileSync(at("always"), String(mains.length));
          });
          mains.push(receipt.main);
        }
        const { objects } = own.store;
        const first = findCheckpoint(objects, mains[0] as string);
        const last = findCheckpoint(objects, mains.at(-1) as string);
        const edits = compareCheckpoints(objects, first, last);
        const touched = new Set(edits.flatMap((edit) => [edit.old?.path, edit.new?.path]));
        touched.delete(undefined);
        const expected = own.git(
          "diff",
          "--no-renames",
          "--name-only",
          mains[0] as string,
          mains.at(-1) as string,
        );
        expect([...touched].sort()).toEqual(expected.trim().split("\n").sort());
      } finally {
        own.dispose();
      }
    }),
    { numRuns: 15 },
  );
});
