import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { type CommitStore, openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { collectGarbage } from "../../src/recovery/collect-garbage.ts";
import { repairStore } from "../../src/recovery/repair-store.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import {
  HastyDisk,
  HistoryFixture,
  makeScratch,
  snapshotOf,
  withoutTimes,
} from "./history-fixture.ts";

type Tree = Record<string, string>;
type Act = (store: CommitStore) => Promise<unknown>;
type Look = (store: CommitStore, error: unknown, at: string) => Promise<void>;

/** What a process is about to do that meets faults. */
export type Meant = "undo" | "redo" | "restore";

/** How each is done. */
export const acts: Readonly<Record<Meant, Act>> = {
  undo: (store) => undo(store),
  redo: (store) => redo(store),
  restore: (store) => restore(store, { checkpoint: "@1" }),
};

/** A root with some operations, and the trees before and after one more. */
export class FaultScenario implements Disposable {
  readonly #fixture: HistoryFixture;
  readonly #meant: Meant;
  readonly old: Tree;
  readonly new: Tree;

  private constructor(fixture: HistoryFixture, meant: Meant, old: Tree, after: Tree) {
    this.#fixture = fixture;
    this.#meant = meant;
    this.old = old;
    this.new = after;
  }

  /** What is meant makes, changes, moves and deletes. */
  static async make(meant: Meant): Promise<FaultScenario> {
    const fixture = new HistoryFixture();
    await fixture.write({ a: "1", b: "1", "dir/c": "1", "dir/d": "1" });
    const first = withoutTimes(fixture.snapshot());
    await fixture.commit((fs, at) => {
      fs.writeFileSync(at("a"), "2");
      fs.renameSync(at("dir"), at("moved"));
      fs.unlinkSync(at("b"));
      fs.mkdirSync(at("made"));
      fs.writeFileSync(at("made/e"), "2");
      fs.chmodSync(at("moved/c"), 0o600);
    });
    const second = withoutTimes(fixture.snapshot());
    if (meant === "redo") await undo(fixture.store, { durability: "none" });
    fixture.store.objects.close();
    return meant === "redo"
      ? new FaultScenario(fixture, meant, first, second)
      : new FaultScenario(fixture, meant, second, first);
  }

  [Symbol.dispose](): void {
    this.#fixture.dispose();
  }

  /**
   * Does something again and again on copies of the root, each time with the fault at another call;
   * each time other processes come, recover and look. The calls number themselves.
   *
   * @returns how many calls were tried.
   */
  async tryAtEveryCall(
    act: Act,
    fault: Fault,
    isMeant: (call: DiskCall) => boolean,
    look: Look,
  ): Promise<number> {
    const calls = await this.#tryOn(
      act,
      () => ({ kind: "none" }),
      async (store, error) => {
        expect(error).toBeUndefined();
        await look(store, undefined, "without a fault");
      },
    );
    const points = calls.filter(isMeant);
    for (const { index, name, path } of points) {
      const at = `${fault.kind} at call ${index}, ${name} ${path ?? ""}`;
      const faultAt = (call: DiskCall): Fault => (call.index === index ? fault : { kind: "none" });
      await this.#tryOn(act, faultAt, (store, error) => look(store, error, at));
    }
    return points.length;
  }

  /** Runs on a copy of the root; `faultAt` sees every call. */
  async #tryOn(
    act: Act,
    faultAt: (call: DiskCall) => Fault,
    look: (store: CommitStore, error: unknown) => Promise<void>,
  ): Promise<readonly DiskCall[]> {
    const root = this.copy();
    try {
      const disk = new FaultDisk(new HastyDisk(), faultAt);
      const store = openCommitStore(disk, stateDirectoryOf(root));
      let failure: unknown;
      try {
        await act(store);
      } catch (error) {
        failure = error;
      }
      closeQuietly(store);
      const other = openCommitStore(new HastyDisk(), stateDirectoryOf(root));
      await recoverJournal(other);
      await repairStore(other);
      await look(other, failure);
      other.objects.close();
      return disk.calls;
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }

  /** A copy of the root, for the caller to remove. */
  copy(): string {
    const root = makeScratch();
    cpSync(this.#fixture.root, root, { recursive: true, preserveTimestamps: true });
    return root;
  }

  /** Tree and log agree: both are as before what was meant, or both as after it. */
  async expectOldOrNew(store: CommitStore, at: string): Promise<"old" | "new"> {
    const tree = withoutTimes(snapshotOf(store.state.root));
    const [newest] = checkpoints(store.objects);
    const isNew = newest?.manifest.operation === this.#meant;
    expect(tree, at).toEqual(isNew ? this.new : this.old);
    expect((await verifyStore(store)).problems, at).toEqual([]);
    const again = await recoverJournal(store);
    expect(again.outcome, at).toBe("clean");
    return isNew ? "new" : "old";
  }

  /** Nothing that is kept is lost, it can be undone, and the next collection leaves no debris. */
  async expectWholeStore(store: CommitStore, at: string): Promise<void> {
    expect(withoutTimes(snapshotOf(store.state.root)), at).toEqual(this.old);
    expect((await verifyStore(store)).problems, at).toEqual([]);
    const sequences = [...checkpoints(store.objects)].map(({ manifest }) => manifest.sequence);
    expect([[2, 1], [2]], at).toContainEqual(sequences);
    await undo(store, { durability: "none" });
    expect(withoutTimes(snapshotOf(store.state.root)), at).toEqual(this.new);
    await collectGarbage(store, { operations: 2 });
    const names = readdirSync(join(store.objects.path, "objects", "pack"));
    const suffixes = names.map((name) => name.replace(/^.*\./, "")).sort();
    expect(suffixes, at).toEqual(["idx", "pack"]);
  }
}

/** Forgets all but the last operation. */
export const collect: Act = (store) => collectGarbage(store, { operations: 1 });

/** The dead close nothing; their descriptors are the kernel's business. */
function closeQuietly(store: CommitStore): void {
  try {
    store.objects.close();
  } catch {
    // Dead.
  }
}
