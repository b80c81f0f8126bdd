import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openOverlay } from "../../src/index.ts";

/** What may lie in a state directory that nobody uses, but for drafts and the history. */
const lasting = [
  ...["format", ".gitignore", "journal", "staging", "drafts", "conflicts", "checkpoints.git"],
  "large",
];
const journal = ["current", "slots", "progress"];

/** After one more operation, nothing is left of all that was begun and not finished. */
export async function expectNothingLeft(root: string): Promise<void> {
  const state = join(root, ".draftfs");
  {
    await using overlay = await openOverlay(root);
    overlay.fs.writeFileSync("last", "last\n");
    await overlay.commit();
    await overlay.collectGarbage({ operations: 3 });
    expect(await overlay.verify()).toMatchObject({ isSound: true });
  }
  for (const draft of fs.readdirSync(join(state, "drafts"))) {
    await using overlay = await openOverlay(root, { draft });
    await overlay.saveDraft();
  }
  expect(minus(fs.readdirSync(state), lasting)).toEqual([]);
  expect(minus(fs.readdirSync(join(state, "journal")), journal)).toEqual([]);
  expect(fs.readdirSync(join(state, "staging"))).toEqual([]);
  for (const name of fs.readdirSync(join(state, "drafts"))) {
    const left = fs.readdirSync(join(state, "drafts", name));
    expect(
      left.filter((each) => !/^(index|(data|file)-[0-9-]+|lock\.\w+\.new)$/.test(each)),
    ).toEqual([]);
  }
  const packs = fs.readdirSync(join(state, "checkpoints.git/objects/pack"));
  expect(packs.filter((each) => !/^pack-[0-9a-f]+\.(pack|idx)$/.test(each))).toEqual([]);
  const repository = join(state, "checkpoints.git");
  const report = execFileSync("git", ["--git-dir", repository, "fsck", "--full", "--strict"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  expect(report).toBe("");
}

function minus(names: readonly string[], known: readonly string[]): string[] {
  return names.filter((name) => !known.includes(name) && !/^(lock|format)\.\w+\.new$/.test(name));
}
