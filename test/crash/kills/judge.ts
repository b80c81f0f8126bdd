import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { checkpoints } from "../../../src/commit/checkpoint/operation-log.ts";
import { type CommitStore, openCommitStore } from "../../../src/commit/commit-store.ts";
import { RootLock } from "../../../src/commit/lock/lock.ts";
import { recoverLocked } from "../../../src/commit/recover/recover.ts";
import { ensureStateDirectory, stateDirectoryOf } from "../../../src/disk/state/state-directory.ts";
import { collectGarbage } from "../../../src/recovery/collect-garbage.ts";
import { recoverRoot } from "../../../src/recovery/recover-root.ts";
import { verifyStore } from "../../../src/recovery/verify-store.ts";
import { TemporaryRoot } from "../../commit/scenario.ts";
import { readTree } from "../../commit/tree.ts";
import { ImpatientDisk } from "../impatient-disk.ts";
import { layOut, type Made, madeOf, readMade, wordsOf } from "./committed-tree.ts";
import type { Place } from "./place.ts";
import type { Said } from "./said.ts";

/** As long as whoever holds the lock may take on a machine that does much else. */
const lockWaitMs = 60_000;

/** Operations that a collection keeps: many packs make every process slow that opens the root. */
const operationsKept = 3;

/** What may lie in the journal of a root that is at rest. */
const lasting = ["current", "slots", "progress", "volatile"];

/**
 * Judges what kills leave: the tree is that of one commit, no commit is lost that was acknowledged,
 * a second recovery has nothing to do, and history and store agree with all that.
 */
export class Judge {
  readonly #place: Place;
  readonly #said: Said;
  #last = 0;
  /** How often it has found an operation that somebody had left unfinished. */
  recoveries = 0;

  constructor(place: Place, said: Said) {
    this.#place = place;
    this.#said = said;
  }

  /** As one more process, while others live, which wait for it. */
  async judgeTree(): Promise<void> {
    await this.#open(async (store) => {
      // Those before may all have died over it.
      ensureStateDirectory(store.disk, store.state);
      using _lock = await RootLock.take(store.disk, store.state, { waitMs: lockWaitMs });
      const first = await recoverLocked(store);
      if (first.outcome !== "clean") this.recoveries += 1;
      this.#said.follow();
      this.#expectTree();
      const before = readTree(this.#place.root, { times: true });
      const second = await recoverLocked(store);
      expectEqual("second recovery", second.outcome, "clean");
      expectEqual("tree after it", readTree(this.#place.root, { times: true }), before);
    });
  }

  /** Everything, when all processes are dead. Forgets most of the history. */
  async judgeAll(): Promise<void> {
    await this.#open(async (store) => {
      ensureStateDirectory(store.disk, store.state);
      const report = await recoverRoot(store, { waitMs: lockWaitMs });
      if (report !== undefined && report.journal.outcome !== "clean") this.recoveries += 1;
      const second = await recoverRoot(store);
      expectEqual("second recovery", second?.journal.outcome, "clean");
      const nothing = { indexes: [], refs: [], shallow: false };
      expectEqual("second repair", second?.store, nothing);
      this.#said.follow();
      this.#expectLog(store, this.#expectTree());
      expectEqual("problems of the store", (await verifyStore(store)).problems, []);
      this.#expectGitAgrees(store);
      await collectGarbage(store, { operations: operationsKept });
      expectEqual("problems after gc", (await verifyStore(store)).problems, []);
      this.#expectNothingLeft(store);
    });
  }

  async #open(judge: (store: CommitStore) => Promise<void>): Promise<void> {
    const store = openCommitStore(new ImpatientDisk(), stateDirectoryOf(this.#place.root));
    try {
      await judge(store);
    } finally {
      store.objects.close();
    }
  }

  #expectTree(): Made {
    const made = readMade(this.#place.root);
    using right = new TemporaryRoot(join(this.#place.root, ".."));
    layOut(right.path, made);
    expectEqual(`mixed: tree ${wordsOf(made)}`, readTree(this.#place.root), readTree(right.path));
    const known = Math.max(this.#said.newest, this.#last);
    if (made.number < known) throw new Error(`lost: ${known} was there, now ${wordsOf(made)}`);
    this.#said.expectSame(made);
    this.#last = made.number;
    return made;
  }

  /** Each commit is in the log once, in order, and nothing else is. */
  #expectLog(store: CommitStore, newest: Made): void {
    let { number } = newest;
    for (const { manifest } of checkpoints(store.objects)) {
      const made = madeOf(manifest.message);
      expectEqual("number in the log", made.number, number);
      if (number === newest.number) expectEqual("newest in the log", made.by, newest.by);
      this.#said.expectSame(made);
      number -= 1;
    }
  }

  #expectGitAgrees({ objects }: CommitStore): void {
    const command = ["--git-dir", objects.path, "fsck", "--strict", "--full"];
    execFileSync("git", command, { stdio: "pipe" });
  }

  #expectNothingLeft({ state }: CommitStore): void {
    const journal = fs.readdirSync(state.journal).filter((name) => !lasting.includes(name));
    const packs = fs.readdirSync(join(state.checkpoints, "objects/pack"));
    expectEqual("left in the journal", journal.filter(isNoPackInUse), []);
    expectEqual("left in staging", fs.readdirSync(state.staging), []);
    expectEqual("left of conflicts", fs.readdirSync(state.conflicts), []);
    const locks = fs.readdirSync(state.path).filter(isLock);
    expectEqual("left of locks", locks.filter(isWritten(state.path)), []);
    expectEqual("left of packs", packs.filter(isNoPack), []);
  }
}

function isLock(name: string): boolean {
  return name.startsWith("lock");
}

/** One that its maker died over before it had said who that was belongs to nobody, and stays. */
function isWritten(directory: string): (name: string) => boolean {
  return (name) => !name.endsWith(".new") || fs.statSync(join(directory, name)).size > 0;
}

function isNoPack(name: string): boolean {
  return !/^pack-[0-9a-f]+\.(pack|idx)$/.test(name);
}

/** Of the record in force. */
function isNoPackInUse(name: string): boolean {
  return !/^\d+\.pack$/.test(name);
}

function expectEqual(what: string, found: unknown, right: unknown): void {
  const [one, other] = [found, right].map((value) => JSON.stringify(value, null, 1));
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}
