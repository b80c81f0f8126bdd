import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openOverlay } from "../../src/api/open-overlay.ts";
import type { Overlay } from "../../src/api/overlay.ts";
import { NodeDisk } from "../../src/disk/node-disk.ts";
import { ensureStateDirectory, stateDirectoryOf } from "../../src/disk/state-directory.ts";
import { pageBytes } from "../../src/overlay/page.ts";
import { removeAll } from "../../test/conformance/harness/conform.ts";
import { plant } from "../../test/conformance/harness/seed.ts";
import { Actor } from "./actor.ts";
import { type Action, anyAction, handleAction } from "./operations.ts";
import { pagesInMemory, savepointAction, seed } from "./program.ts";

const commitAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: "commit", input: null }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("a", "b", "c", "d", "e").map((name) => ({
      kind: "commit",
      input: [name, `${name}/**`],
    })),
  },
);

/** Random programs of one actor who commits every now and then. */
export function anyCommittingProgram(maxSteps: number): fc.Arbitrary<readonly Action[]> {
  const action = fc.oneof(
    { weight: 12, arbitrary: anyAction },
    { weight: 6, arbitrary: handleAction },
    { weight: 2, arbitrary: savepointAction },
    { weight: 3, arbitrary: commitAction },
  );
  return fc.array(action, { maxLength: maxSteps, size: "max" });
}

/**
 * Runs a program over an overlay that commits in between, against a real directory: every step, the
 * merged tree after each commit, and the disk after each commit of everything.
 *
 * @throws when something differs.
 */
export async function runCommittingProgram(program: readonly Action[]): Promise<void> {
  const home = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-model-")));
  const lower = join(home, "low");
  const mirror = join(home, "mir");
  for (const root of [lower, mirror]) nodeFs.mkdirSync(root, 0o755);
  // Made by the first commit otherwise, which moves the times of the root.
  ensureStateDirectory(new NodeDisk(), stateDirectoryOf(lower));
  for (const root of [lower, mirror]) plant(nodeFs, root, seed);
  const overlay = await openOverlay(lower, { memoryLimitBytes: pagesInMemory * pageBytes });
  const actor = new Actor(overlay, lower, mirror);
  try {
    for (const action of [...program, { kind: "commit", input: null }]) {
      if (action.kind === "commit") await commit(overlay, actor, action.input as string[] | null);
      else if (!actor.linksLink(action)) actor.step(action);
    }
  } finally {
    actor.close();
    await overlay.close({ settle: false });
    removeAll(home);
  }
}

/** @param include what to commit; `null` for everything. */
async function commit(overlay: Overlay, actor: Actor, include: string[] | null): Promise<void> {
  // Other names of a file are known to a commit when they were looked at; see `docs/fs.md`.
  actor.compareTrees();
  const { changes } = await overlay.diff(include === null ? {} : { include });
  if (changes.length === 0) return;
  await overlay.commit({ durability: "none", ...(include === null ? {} : { include }) });
  const timed = changes.filter((change) => change.kind !== "delete" && change.after.timesSet);
  actor.noteCommit(new Set(timed.map(({ path }) => path)));
  actor.compareTrees();
  if (include === null) actor.compareDisk(overlay.root);
}
