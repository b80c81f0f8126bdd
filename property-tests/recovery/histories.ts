import { join } from "node:path";
import { expect } from "vitest";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { isDraftError } from "../../src/errors.ts";
import { type OverlayFs, openLayer } from "../../src/overlay/layer.ts";
import { collectGarbage } from "../../src/recovery/collect-garbage.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { HistoryFixture, withoutTimes } from "../../test/recovery/history-fixture.ts";
import { fc } from "../../test/support/properties.ts";

type Tree = Record<string, string>;

/** One call on the overlay. Calls that fail, as many do, change nothing. */
type Edit =
  | { readonly kind: "write"; readonly path: string; readonly text: string }
  | { readonly kind: "mkdir" | "remove"; readonly path: string }
  | { readonly kind: "rename" | "link"; readonly path: string; readonly to: string }
  | { readonly kind: "chmod"; readonly path: string; readonly mode: number }
  | { readonly kind: "utimes"; readonly path: string; readonly seconds: number };

type Command =
  | { readonly kind: "commit"; readonly edits: readonly Edit[] }
  | { readonly kind: "undo"; readonly count: number }
  | { readonly kind: "redo" | "reopen" }
  | { readonly kind: "restore"; readonly back: number }
  | { readonly kind: "gc"; readonly keep: number };

const path = fc
  .array(fc.constantFrom("a", "b", "c", "d", ".git"), { minLength: 1, maxLength: 3 })
  .map((names) => names.join("/"));
const text = fc.constantFrom("", "one\n", "two\n", "three\n".repeat(50));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("write" as const), path, text }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("mkdir" as const), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), path }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("rename" as const), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("link" as const), path, to: path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("chmod" as const),
      path,
      mode: fc.constantFrom(0o700, 0o755, 0o600, 0o644, 0o751),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("utimes" as const),
      path,
      seconds: fc.integer({ min: 1, max: 2_000_000_000 }),
    }),
  },
);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      edits: fc.array(edit, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("undo" as const),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("redo" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("restore" as const),
      back: fc.integer({ min: 0, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("gc" as const),
      keep: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);

/** An operation that changed the tree. */
interface Step {
  readonly sequence: number;
  readonly before: Tree;
  readonly after: Tree;
}

/** An undo, and the operations that it took back, oldest first. */
interface Undone extends Step {
  readonly group: readonly Step[];
}

/** What history should be: plain stacks of trees. */
class Model {
  tree: Tree = {};
  /** Every operation that is still kept, oldest first. */
  log: Step[] = [];
  undoable: Step[] = [];
  redoable: Undone[] = [];

  add(step: Step): void {
    this.log.push(step);
    this.tree = step.after;
  }

  isKept(step: Step): boolean {
    return this.log.some(({ sequence }) => sequence === step.sequence);
  }
}

/** Runs random histories against the real thing and the model; prints the seed of a failure. */
export async function runHistories(options: {
  readonly numRuns: number;
  readonly maxCommands: number;
  /** Lets most histories come near `maxCommands`. */
  readonly isLong?: boolean;
}): Promise<void> {
  const series = fc.array(command, {
    minLength: 2,
    maxLength: options.maxCommands,
    size: options.isLong === true ? "max" : "small",
  });
  await fc.assert(
    fc.asyncProperty(series, async (commands) => {
      const fixture = new HistoryFixture();
      try {
        await new HistoryRun(fixture).run(commands);
      } finally {
        fixture.dispose();
      }
    }),
    { numRuns: options.numRuns, interruptAfterTimeLimit: 180_000 },
  );
}

class HistoryRun {
  readonly #fixture: HistoryFixture;
  readonly #model = new Model();

  constructor(fixture: HistoryFixture) {
    this.#fixture = fixture;
  }

  async run(commands: readonly Command[]): Promise<void> {
    for (const each of commands) {
      await this.#carryOut(each);
      expect(withoutTimes(this.#fixture.snapshot())).toEqual(this.#model.tree);
    }
    if (this.#model.log.length === 0) return;
    expect(this.#fixture.git("fsck", "--full", "--strict")).toBe("");
  }

  async #carryOut(each: Command): Promise<void> {
    switch (each.kind) {
      case "commit":
        await this.#commit(each.edits);
        break;
      case "undo":
        await this.#undo(each.count);
        break;
      case "redo":
        await this.#redo();
        break;
      case "restore":
        await this.#restore(each.back);
        break;
      case "gc":
        await this.#collect(each.keep);
        break;
      case "reopen":
        this.#fixture.reopen();
        break;
    }
  }

  async #commit(edits: readonly Edit[]): Promise<void> {
    const layer = openLayer({ root: this.#fixture.root });
    for (const each of edits) attempt(layer.fs, this.#fixture.root, each);
    if (diffLayer(layer).changes.length === 0) return;
    const before = this.#model.tree;
    const { sequence } = await this.#fixture.commit((fs) => {
      for (const each of edits) attempt(fs, this.#fixture.root, each);
    });
    this.#take({ sequence, before, after: withoutTimes(this.#fixture.snapshot()) });
  }

  /** A commit or restore: it can be undone, and leaves nothing to redo. */
  #take(step: Step): void {
    this.#model.add(step);
    this.#model.undoable.push(step);
    this.#model.redoable = [];
  }

  async #undo(count: number): Promise<void> {
    const { undoable, redoable, tree } = this.#model;
    const attempted = undo(this.#fixture.store, { count, durability: "none" });
    if (undoable.length < count) {
      await expect(attempted).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
      return;
    }
    const { sequence } = await attempted;
    const group = undoable.splice(-count);
    const undone = { sequence, before: tree, after: (group[0] as Step).before, group };
    redoable.push(undone);
    this.#model.add(undone);
  }

  async #redo(): Promise<void> {
    const model = this.#model;
    const attempted = redo(this.#fixture.store, { durability: "none" });
    const undone = model.redoable.pop();
    if (undone === undefined) {
      await expect(attempted).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
      return;
    }
    const { sequence } = await attempted;
    model.undoable.push(...undone.group.filter((step) => model.isKept(step)));
    model.add({ sequence, before: model.tree, after: undone.before });
  }

  async #restore(back: number): Promise<void> {
    const { log, tree } = this.#model;
    const target = log.at(-1 - back);
    if (target === undefined) return;
    const request = { checkpoint: String(target.sequence), durability: "none" } as const;
    try {
      const { sequence } = await restore(this.#fixture.store, request);
      this.#take({ sequence, before: tree, after: target.after });
    } catch (error) {
      if (!isDraftError(error) || error.code !== "DRAFT_NOTHING_PENDING") throw error;
      expect(tree).toEqual(target.after);
    }
  }

  /** What is forgotten can be neither undone nor restored, the rest as before. */
  async #collect(keep: number): Promise<void> {
    const model = this.#model;
    await collectGarbage(this.#fixture.store, { operations: keep });
    model.log = model.log.slice(-keep);
    model.undoable = model.undoable.filter((step) => model.isKept(step));
    model.redoable = model.redoable.filter((step) => model.isKept(step));
  }
}

function attempt(fs: OverlayFs, root: string, each: Edit): void {
  const at = join(root, each.path);
  try {
    switch (each.kind) {
      case "write":
        fs.writeFileSync(at, each.text);
        break;
      case "mkdir":
        fs.mkdirSync(at, { recursive: true });
        break;
      case "remove":
        fs.rmSync(at, { recursive: true });
        break;
      case "rename":
        fs.renameSync(at, join(root, each.to));
        break;
      case "link":
        fs.symlinkSync(each.to, at);
        break;
      case "chmod":
        fs.chmodSync(at, each.mode);
        break;
      case "utimes":
        fs.utimesSync(at, each.seconds, each.seconds);
        break;
    }
  } catch {
    // No such file, not a directory, not empty…: as it goes.
  }
}
