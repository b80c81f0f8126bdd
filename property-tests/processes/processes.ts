import fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { recoverRoot } from "../../src/recovery/recover-root.ts";
import { TemporaryRoot } from "../../test/commit/scenario.ts";
import { fc } from "../../test/support/properties.ts";
import { change, type Edit, type Lines, linesOf, minus, treeOf } from "../api/lines.ts";
import { type Act, type Command, command, processesCount, type Stop } from "./commands.ts";
import {
  type Actor,
  type Done,
  isStale,
  isWhole,
  type Meanwhile,
  nothing,
  ownOf,
  removedIn,
  type Saved,
  type Tree,
  type Work,
} from "./model.ts";
import { expectNothingLeft } from "./nothing-left.ts";
import type { Doing } from "./protocol.ts";
import { type End, Worker } from "./worker.ts";

/**
 * Random work of several real processes over one root, a stranger past them all among it. Each is
 * told one thing at a time, so a run is what its seed says. At any change of the disk a process may
 * be killed, or stopped while others go on.
 *
 * Every line is written once, so that each loss can be traced: a commit takes away what its own
 * overlay took away and brings what that brought, an undo, redo or restore what operations have
 * written or found, and what is not in the log afterwards has changed nothing at all.
 */
export async function checkProcesses(numRuns: number, limitMs: number): Promise<void> {
  const ends: Record<string, number> = {};
  const workers = Array.from({ length: processesCount }, () => Worker.start());
  const programs = fc.array(command, { minLength: 8, maxLength: 40, size: "max" });
  try {
    await fc.assert(
      fc.asyncProperty(programs, async (commands) => {
        using root = TemporaryRoot.inMemory();
        const world = new World(root.path, workers, ends);
        try {
          for (const each of commands) await world.carryOut(each);
          await world.end();
        } finally {
          await world.leave();
        }
      }),
      { numRuns, interruptAfterTimeLimit: limitMs, endOnFailure: true },
    );
  } finally {
    await Promise.all(workers.map((each) => each.kill()));
  }
  console.log(JSON.stringify(ends));
}

class World {
  readonly #root: string;
  readonly #workers: Worker[];
  readonly #ends: Record<string, number>;
  readonly #actors: Actor[];
  readonly #drafts = new Map<string, Saved>();
  /** Operations that are known, and the lines that they, and what they found, consist of. */
  readonly #operations = new Set<number>();
  readonly #recorded = new Set<string>();
  #plan: { readonly plan: unknown; readonly work: Work } | undefined;
  #busy = -1;
  #count = 0;

  constructor(root: string, workers: Worker[], ends: Record<string, number>) {
    this.#root = root;
    this.#workers = workers;
    this.#ends = ends;
    this.#actors = workers.map(() => ({ draft: undefined, work: nothing, view: {} }));
    for (const name of ["a", "b", "d/a", "e/a"]) {
      fs.mkdirSync(join(root, name, ".."), { recursive: true });
      fs.writeFileSync(join(root, name), Array.from({ length: 8 }, () => this.#line()).join(""));
    }
  }

  #line(): string {
    this.#count += 1;
    return `line ${this.#count} ${"x".repeat(this.#count % 13)}\n`;
  }

  async carryOut(each: Command): Promise<void> {
    if (each.kind === "stranger") {
      change(fs, this.#root, each.edit as Edit, () => this.#line());
      return;
    }
    if (each.who === this.#busy) return;
    const actor = this.#actors[each.who] as Actor;
    if (each.kind === "edit") {
      if (!(await this.#isOpen(each.who))) return;
      const lines = Array.from({ length: 8 }, () => this.#line());
      const { value, view = {} } = await this.#tell(each.who, {
        kind: "edit",
        edit: each.edit,
        lines,
      });
      actor.work = {
        added: new Set([...actor.work.added, ...lines]),
        removed: new Set([...actor.work.removed, ...removedIn(value as Tree, view)]),
      };
      actor.view = view;
      return;
    }
    await this.#act(each.who, each.act, each.stop);
  }

  /** Closes whatever is open; then nothing may be left of all the work but its results. */
  async end(): Promise<void> {
    for (const [who, { draft }] of this.#actors.entries()) {
      if (draft !== undefined) await this.#act(who, { kind: "close", settle: true }, null);
    }
    await expectNothingLeft(this.#root);
  }

  /** Leaves the processes to the next run. */
  async leave(): Promise<void> {
    for (const [who, { draft }] of this.#actors.entries()) {
      if (draft !== undefined) await this.#replace(who);
    }
  }

  async #replace(who: number): Promise<void> {
    await this.#workers[who]?.kill();
    this.#workers[who] = Worker.start();
    Object.assign(this.#actors[who] as Actor, { draft: undefined, work: nothing, view: {} });
  }

  async #isOpen(who: number): Promise<boolean> {
    const actor = this.#actors[who] as Actor;
    if (actor.draft === undefined) {
      const draft = (["one", "two", "three"] as const)[who] ?? "one";
      await this.#act(who, { kind: "open", draft }, null);
    }
    return actor.draft !== undefined;
  }

  async #tell(who: number, doing: Doing): Promise<Done> {
    const end = await (this.#workers[who] as Worker).tell(this.#root, doing);
    if (end.kind !== "done") throw new Error(`${doing.kind}: the process ${end.kind}`);
    return end;
  }

  async #act(who: number, act: Act, stop: Stop | null): Promise<void> {
    const actor = this.#actors[who] as Actor;
    if (act.kind !== "open" && act.kind !== "recover" && !(await this.#isOpen(who))) return;
    if (act.kind === "open" && actor.draft !== undefined) return;
    if (act.kind === "commit" && actor.work.added.size === 0) {
      await this.carryOut({ kind: "edit", who, edit: { kind: "insert", path: "a", at: 0 } });
    }
    const doing = this.#doingOf(act);
    if (doing === undefined) return;
    const before = treeOf(fs, this.#root);
    const others: Meanwhile = {
      lost: new Set(),
      gained: new Set(),
      count: 0,
      recorded: [] as number[],
    };
    const end = await this.#perform(who, doing, stop, others);
    const how = end.kind === "died" ? "died" : (end.error?.code ?? end.error?.message ?? "done");
    const { isRecorded, now } = await this.#judge(actor, doing, end, before, others);
    const name = `${doing.kind} ${how}${end.kind === "died" && isRecorded ? ", recorded" : ""}`;
    this.#ends[name] = (this.#ends[name] ?? 0) + 1;
    if (end.kind === "died") {
      this.#noteDeath(actor, doing, isRecorded, now);
      await this.#replace(who);
    } else {
      this.#noteEnd(actor, doing, end, others, now);
    }
  }

  #doingOf(act: Act): Doing | undefined {
    switch (act.kind) {
      case "restore": {
        const log = this.#log();
        const sequence = log[act.back % Math.max(1, log.length)] ?? 1;
        const paths = act.paths === undefined ? {} : { paths: [...act.paths] };
        return { kind: "restore", checkpoint: `@${sequence}`, ...paths };
      }
      case "apply":
        return this.#plan && { kind: "apply", plan: this.#plan.plan };
      case "commit":
        return { ...act, selection: JSON.parse(JSON.stringify(act.selection)) };
      default:
        return act;
    }
  }

  /** Has a process do something, stop on the way, and others go on meanwhile. */
  async #perform(
    who: number,
    doing: Doing,
    stop: Stop | null,
    others: Meanwhile,
  ): Promise<Exclude<End, { kind: "paused" }>> {
    const worker = this.#workers[who] as Worker;
    const how = stop?.how === "kill" ? "kill" : "pause";
    let end = await worker.tell(
      this.#root,
      doing,
      stop === null ? undefined : { at: stop.at, how },
    );
    if (end.kind === "done") return end;
    this.#busy = who;
    const isDead = end.kind === "died";
    others.recorded = this.#newInLog();
    for (const each of stop?.meanwhile ?? []) {
      // What processes do after a death is theirs to judge only when it has been recovered from.
      if (isDead && each.kind !== "stranger") continue;
      const before = linesOf(treeOf(fs, this.#root));
      await this.carryOut(each);
      const after = linesOf(treeOf(fs, this.#root));
      for (const line of minus(before, after)) {
        others.lost.add(line);
        others.gained.delete(line);
      }
      for (const line of minus(after, before)) {
        others.gained.add(line);
        others.lost.delete(line);
      }
      others.count += 1;
    }
    this.#busy = -1;
    if (stop?.how === "pauseAndKill") await worker.kill();
    if (!isDead) end = stop?.how === "pauseAndKill" ? { kind: "died" } : await worker.goOn();
    if (end.kind === "paused") throw new Error(`paused again at ${end.call}`);
    if (end.kind === "died") await this.#recover();
    return end;
  }

  async #recover(): Promise<void> {
    const store = openCommitStore(new NodeDisk(), stateDirectoryOf(this.#root));
    try {
      await recoverRoot(store);
    } finally {
      store.objects.close();
    }
  }

  #log(): number[] {
    const store = openCommitStore(new NodeDisk(), stateDirectoryOf(this.#root));
    if (!store.objects.exists) return [];
    try {
      return [...checkpoints(store.objects)].map(({ manifest }) => manifest.sequence);
    } finally {
      store.objects.close();
    }
  }

  #newInLog(): number[] {
    const found = this.#log().filter((sequence) => !this.#operations.has(sequence));
    for (const sequence of found) this.#operations.add(sequence);
    return found;
  }

  /** What has happened to the tree and the log must be what may have. */
  async #judge(
    actor: Actor,
    doing: Doing,
    end: Exclude<End, { kind: "paused" }>,
    before: Tree,
    others: Meanwhile,
  ): Promise<{ readonly isRecorded: boolean; readonly now: Tree }> {
    const now = treeOf(fs, this.#root);
    const recorded = [...others.recorded, ...this.#newInLog()];
    const isChange = ["commit", "undo", "redo", "restore", "apply"].includes(doing.kind);
    const isDone = end.kind === "done" && end.error === undefined;
    const what = `${JSON.stringify(doing).slice(0, 80)} ${end.kind === "done" ? end.error?.stack : end.kind}`;
    if (end.kind === "done" && end.error !== undefined) {
      expect(end.error.code, `${what}: no error of ours`).toBeDefined();
    }
    if (end.kind === "done") expect(recorded.length, what).toBe(isChange && isDone ? 1 : 0);
    else expect(recorded.length, what).toBeLessThanOrEqual(isChange ? 1 : 0);
    const isRecorded = recorded.length === 1;
    const base = new Set([...minus(linesOf(before), others.lost), ...others.gained]);
    const lost = minus(base, linesOf(now));
    const gained = minus(minus(linesOf(now), base), others.lost);
    if (!isRecorded) {
      if (others.count === 0) expect(now, what).toEqual(before);
      expect({ lost, gained }, what).toEqual({ lost: new Set(), gained: new Set() });
      return { isRecorded, now };
    }
    for (const line of base) if (linesOf(before).has(line)) this.#recorded.add(line);
    this.#expectOwn(actor, doing, lost, gained, what);
    for (const line of [...lost, ...gained]) this.#recorded.add(line);
    return { isRecorded, now };
  }

  #expectOwn(actor: Actor, doing: Doing, lost: Lines, gained: Lines, what: string): void {
    if (doing.kind === "commit" && doing.how === "force") return;
    if (doing.kind === "commit" || doing.kind === "apply") {
      const { added, removed } =
        doing.kind === "apply" ? (this.#plan?.work ?? nothing) : actor.work;
      expect(minus(lost, removed), `${what}: lines of others are lost`).toEqual(new Set());
      expect(minus(gained, added), `${what}: lines that others removed are back`).toEqual(
        new Set(),
      );
      return;
    }
    expect(minus(lost, this.#recorded), `${what}: lines unknown to it are lost`).toEqual(new Set());
    expect(minus(gained, this.#recorded), `${what}: unknown lines`).toEqual(new Set());
  }

  #noteEnd(actor: Actor, doing: Doing, end: Done, others: Meanwhile, now: Tree): void {
    const before = actor.view;
    actor.view = end.view ?? {};
    if (end.error !== undefined) return;
    switch (doing.kind) {
      case "open": {
        actor.draft = doing.draft;
        const saved = this.#drafts.get(doing.draft);
        actor.work = saved?.work ?? nothing;
        if (saved === undefined || isStale(actor.view)) return;
        const shown = linesOf(actor.view);
        const lost = saved.own.map((own) => minus(own, shown));
        expect(lost, `draft ${doing.draft}: none is whole`).toContainEqual(new Set());
        return;
      }
      case "close":
        actor.draft = undefined;
        actor.work = nothing;
        return;
      case "discard":
        actor.work = nothing;
        this.#save(actor);
        return;
      case "save":
        this.#save(actor);
        return;
      case "plan":
        this.#plan = { plan: end.value, work: actor.work };
        return;
      case "verify":
        expect(end.value).toMatchObject({ isSound: true });
        return;
      case "commit":
        if (isWhole(doing)) {
          const own = linesOf(before);
          const mine = new Set([...actor.work.added].filter((line) => own.has(line)));
          expect(minus(minus(mine, others.lost), linesOf(now)), "own lines are lost").toEqual(
            new Set(),
          );
          if (others.count === 0) {
            expect(end.value, "nothing is pending after a commit").toBe(0);
            expect(actor.view).toEqual(now);
          }
          actor.work = nothing;
        }
        this.#save(actor);
        return;
      default:
        return;
    }
  }

  #save(actor: Actor): void {
    this.#drafts.set(actor.draft as string, { work: actor.work, own: [ownOf(actor)] });
  }

  /** What a draft may hold after a death: what it held, or what it was to hold. */
  #noteDeath(actor: Actor, doing: Doing, isRecorded: boolean, now: Tree): void {
    if (actor.draft === undefined) return;
    const saved = this.#drafts.get(actor.draft) ?? { work: nothing, own: [new Set()] };
    const isCommitted = doing.kind === "commit" && isRecorded;
    if (!isCommitted && doing.kind !== "save" && doing.kind !== "discard") return;
    if (isCommitted && isWhole(doing)) {
      this.#drafts.set(actor.draft, { work: saved.work, own: [new Set()] });
      return;
    }
    const own = doing.kind === "discard" ? new Set<string>() : ownOf(actor);
    const rest = isCommitted ? minus(own, linesOf(now)) : own;
    const added = new Set([...saved.work.added, ...actor.work.added]);
    const removed = new Set([...saved.work.removed, ...actor.work.removed]);
    this.#drafts.set(actor.draft, { work: { added, removed }, own: [...saved.own, rest] });
  }
}
