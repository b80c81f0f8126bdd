import fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { isDraftError, mergingResolver, type Overlay, openOverlay } from "../../src/index.ts";
import { TemporaryRoot } from "../../test/commit/scenario.ts";
import { fc } from "../../test/support/properties.ts";
import {
  change,
  edit,
  type Files,
  globs,
  type Lines,
  linesIn,
  linesOf,
  minus,
  stale,
  treeOf,
} from "./lines.ts";

const at = fc.nat(7);
const who = fc.nat(1);
const command = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("edit" as const), who, edit }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("stranger" as const), edit }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      who,
      how: fc.constantFrom("plain", "plain", "merge", "force"),
      include: globs,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("undo" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("redo" as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restore" as const), who, at, include: globs }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("discard" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reopen" as const), who }) },
);
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * Random work of two overlays over one root, with commits of every kind, undo, redo and restore, and
 * of somebody past both. Every line is written once, so that each loss can be traced: a commit takes
 * away what its own overlay took away, an undo or redo what operations have written, and what fails
 * nothing at all.
 */
export async function checkTwoOverlays(numRuns: number, limitMs: number): Promise<void> {
  const ends: Record<string, number> = {};
  const programs = fc.array(command, { minLength: 8, maxLength: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(programs, async (commands) => {
      using root = TemporaryRoot.inMemory();
      await using world = new World(root.path);
      await world.open();
      for (const each of commands) {
        const end = await world.carryOut(each);
        ends[end] = (ends[end] ?? 0) + 1;
      }
    }),
    { numRuns, interruptAfterTimeLimit: limitMs, endOnFailure: true },
  );
  console.log(JSON.stringify(ends));
}

interface Actor {
  overlay: Overlay;
  /** Lines that it has put into its view, or taken from it, since it has nothing pending. */
  added: Set<string>;
  removed: Set<string>;
}

/** What an operation has done to the lines on the disk. */
interface Operation {
  readonly added: Lines;
  readonly removed: Lines;
}

class World implements AsyncDisposable {
  readonly #root: string;
  readonly #actors: Actor[] = [];
  readonly #operations = new Map<number, Operation>();
  /** Lines that operations have found on the disk. */
  readonly #found = new Set<string>();
  #count = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async open(): Promise<void> {
    for (const name of ["a", "b", "d/a", "e/a"]) {
      fs.mkdirSync(join(this.#root, name, ".."), { recursive: true });
      const lines = Array.from({ length: 8 }, () => this.#line());
      fs.writeFileSync(join(this.#root, name), lines.join(""));
    }
    for (const draft of ["one", "two"]) {
      const overlay = await openOverlay(this.#root, { draft });
      this.#actors.push({ overlay, added: new Set(), removed: new Set() });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { overlay } of this.#actors) await overlay.close({ settle: false });
  }

  #line(): string {
    this.#count += 1;
    return `line ${this.#count} ${"x".repeat(this.#count % 13)}\n`;
  }

  async carryOut(each: Command): Promise<string> {
    if (each.kind === "stranger") {
      change(fs, this.#root, each.edit, () => this.#line());
      return "stranger";
    }
    const actor = this.#actors[each.who] as Actor;
    const { overlay } = actor;
    switch (each.kind) {
      case "edit": {
        const files = overlay.fs as unknown as Files;
        const before = treeOf(files, this.#root);
        change(files, this.#root, each.edit, () => this.#line());
        const after = treeOf(files, this.#root);
        for (const line of minus(linesOf(after), linesOf(before))) actor.added.add(line);
        // By file: what one loses may show in another, for now.
        for (const [name, text] of Object.entries(before)) {
          const left = linesOf({ name: after[name] ?? "" });
          for (const line of minus(linesOf({ name: text }), left)) actor.removed.add(line);
        }
        return "edit";
      }
      case "discard":
        await overlay.discard();
        this.#forget(actor);
        return "discard";
      case "reopen": {
        await overlay.saveDraft();
        const before = treeOf(overlay.fs as unknown as Files, this.#root);
        await overlay.close({ settle: false });
        actor.overlay = await openOverlay(this.#root, { draft: each.who === 0 ? "one" : "two" });
        const after = treeOf(actor.overlay.fs as unknown as Files, this.#root);
        // Another process has none of the files open that this one could still read.
        for (const [name, text] of Object.entries(after)) if (text === stale) before[name] = stale;
        expect(after).toEqual(before);
        return "reopen";
      }
      case "commit":
        return await this.#commit(actor, each);
      case "undo":
      case "redo":
      case "restore":
        return await this.#takeBack(actor, each);
    }
  }

  #forget(actor: Actor): void {
    actor.added.clear();
    actor.removed.clear();
  }

  async #commit(
    actor: Actor,
    { how, include }: Extract<Command, { kind: "commit" }>,
  ): Promise<string> {
    const { overlay } = actor;
    const before = treeOf(fs, this.#root);
    const lines = linesIn(fs, this.#root);
    const view = treeOf(overlay.fs as unknown as Files, this.#root);
    const request = include === undefined ? {} : { include };
    const attempt =
      how === "plain"
        ? overlay.commit(request)
        : how === "force"
          ? overlay.commitForce(request)
          : overlay.commitWith(mergingResolver(), request);
    const outcome = await attempt.catch((error: unknown) => error as Error);
    if (outcome instanceof Error) {
      if (!isDraftError(outcome)) throw outcome;
      expect(treeOf(fs, this.#root), outcome.message).toEqual(before);
      expect(treeOf(overlay.fs as unknown as Files, this.#root), outcome.message).toEqual(view);
      return `${how}${include ? " part" : ""} ${outcome.code}`;
    }
    for (const line of lines) this.#found.add(line);
    const now = linesIn(fs, this.#root);
    const lost = minus(lines, now);
    const gained = minus(now, lines);
    if (how !== "force") {
      expect(minus(lost, actor.removed), `${how}: lines of others are lost`).toEqual(new Set());
      expect(minus(gained, actor.added), `${how}: lines that others removed are back`).toEqual(
        new Set(),
      );
    }
    this.#operations.set(outcome.sequence, { added: gained, removed: lost });
    if (include === undefined) {
      const { changes } = await overlay.diff();
      expect(changes.map(({ kind, path: changed }) => `${kind} ${changed}`)).toEqual([]);
      expect(treeOf(overlay.fs as unknown as Files, this.#root)).toEqual(treeOf(fs, this.#root));
      const own = new Set([...linesOf(view)].filter((line) => actor.added.has(line)));
      expect(minus(own, now), `${how}: own lines are lost`).toEqual(new Set());
      this.#forget(actor);
    }
    if (how === "force") {
      const other = this.#actors.find((each) => each !== actor) as Actor;
      await other.overlay.undo({ checkpoint: outcome.operation });
      expect(treeOf(fs, this.#root)).toEqual(before);
      await other.overlay.redo();
      expect(linesIn(fs, this.#root)).toEqual(now);
    }
    return `${how}${include ? " part" : ""}`;
  }

  async #takeBack(
    actor: Actor,
    each: Extract<Command, { kind: "undo" | "redo" | "restore" }>,
  ): Promise<string> {
    const { overlay } = actor;
    const before = treeOf(fs, this.#root);
    const lines = linesIn(fs, this.#root);
    const log = await overlay.log();
    const paths = each.kind === "restore" && each.include !== undefined ? ["a", "d"] : undefined;
    const checkpoint =
      each.kind === "restore"
        ? `@${log[each.at % Math.max(1, log.length)]?.manifest.sequence ?? 1}`
        : "";
    const attempt =
      each.kind === "undo"
        ? overlay.undo()
        : each.kind === "redo"
          ? overlay.redo()
          : overlay.restore({ checkpoint, ...(paths === undefined ? {} : { paths }) });
    const outcome = await attempt.catch((error: unknown) => error as Error);
    if (outcome instanceof Error) {
      if (!isDraftError(outcome)) throw outcome;
      expect(treeOf(fs, this.#root), outcome.message).toEqual(before);
      return `${each.kind} ${outcome.code}`;
    }
    const now = linesIn(fs, this.#root);
    const [lost, gained] = [minus(lines, now), minus(now, lines)];
    // What others wrote past every operation is not theirs to take away; a restore goes back past
    // what the operations have found.
    const known = new Set(
      [...this.#operations.values()].flatMap(({ added, removed }) => [...added, ...removed]),
    );
    if (each.kind === "restore") for (const line of this.#found) known.add(line);
    expect(minus(lost, known), `${each.kind}: lines that no operation wrote are lost`).toEqual(
      new Set(),
    );
    // A name of a file comes back with the bytes that the file had.
    const seen = new Set([...known, ...this.#found]);
    expect(minus(gained, seen), `${each.kind}: unknown lines`).toEqual(new Set());
    this.#operations.set(outcome.sequence, { added: gained, removed: lost });
    return each.kind;
  }
}
