import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openOverlay } from "../../src/api/open-overlay.ts";
import type { Overlay } from "../../src/api/overlay.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import {
  ensureStateDirectory,
  stateDirectoryName,
  stateDirectoryOf,
} from "../../src/disk/state/state-directory.ts";
import { pageBytes } from "../../src/overlay/content/page.ts";
import { plant } from "../../test/conformance/harness/seed.ts";
import { removeTree } from "../../test/support/remove-tree.ts";
import { Actor } from "./actor.ts";
import { changedPaths, type SavedTree, saveTree } from "./mirror.ts";
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
  { weight: 1, arbitrary: fc.constant({ kind: "undo", input: null }) },
);

/** Random programs of one actor who commits every now and then, and takes that back. */
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
  const run = new CommittingRun(overlay, new Actor(overlay, lower, mirror));
  try {
    for (const action of program) await run.step(action);
    await run.step({ kind: "commit", input: null });
  } finally {
    run.actor.close();
    await overlay.close({ settle: false });
    removeTree(home);
  }
}

class CommittingRun {
  readonly actor: Actor;
  readonly #overlay: Overlay;
  /** What the disk held before each commit that can be undone. */
  readonly #before: (SavedTree | undefined)[] = [];

  constructor(overlay: Overlay, actor: Actor) {
    this.#overlay = overlay;
    this.actor = actor;
  }

  async step(action: Action): Promise<void> {
    if (action.kind === "commit") await this.#commit(action.input as string[] | null);
    else if (action.kind === "undo") await this.#undo();
    else if (!this.actor.linksLink(action)) this.actor.step(action);
  }

  /** @param include what to commit; `null` for everything. */
  async #commit(include: string[] | null): Promise<void> {
    // Other names of a file are known to a commit when they were looked at; see `docs/fs.md`.
    this.actor.compareTrees();
    const selection = include === null ? {} : { include };
    const { changes } = await this.#overlay.diff(selection);
    if (changes.length === 0) return;
    this.#before.push(saveTree(this.#overlay.root, [stateDirectoryName]));
    await this.#overlay.commit({ durability: "none", ...selection });
    const timed = changes.filter((change) => change.kind !== "delete" && change.after.timesSet);
    this.actor.noteCommit(new Set(timed.map(({ path }) => path)));
    this.actor.compareTrees();
    if (include === null) this.actor.compareDisk(this.#overlay.root);
  }

  /** Takes the last commit back where nothing is pending over it. */
  async #undo(): Promise<void> {
    const before = this.#before.at(-1);
    if (before === undefined || (await this.#overlay.diff()).changes.length > 0) return;
    this.#before.pop();
    this.actor.close();
    await this.#overlay.undo({ durability: "none" });
    const disk = saveTree(this.#overlay.root, [stateDirectoryName]);
    if (disk === undefined) throw new Error("What was undone cannot be read");
    const wrong = changedPaths(before, disk);
    if (wrong.length > 0) throw new Error(`Undone to another tree: ${wrong.join(", ")}`);
    this.actor.noteUndo(disk);
    this.actor.compareTrees();
  }
}
