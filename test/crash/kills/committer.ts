import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ChangeSet } from "../../../src/commit/change-set/change-set.ts";
import { commitChangeSet } from "../../../src/commit/commit.ts";
import { openCommitStore } from "../../../src/commit/commit-store.ts";
import type { Durability } from "../../../src/commit/receipt.ts";
import { stateDirectoryOf } from "../../../src/disk/state/state-directory.ts";
import { isDraftError } from "../../../src/errors.ts";
import { recoverRoot } from "../../../src/recovery/recover-root.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { type Breach, brokenDisk } from "./broken-disks.ts";
import { changesTo, type Made, readMade, wordsOf } from "./committed-tree.ts";
import { type Place, placeIn } from "./place.ts";
import { type Death, tellOf } from "./telling-disk.ts";

/** What a process is to do until it is killed. */
export interface CommitterOrder {
  readonly kind: "commit-for-ever";
  /** See {@link Place}. */
  readonly directory: string;
  readonly name: string;
  /** Its number among those that live at the same time. */
  readonly slot: number;
  readonly seed: number;
  readonly durability: Durability;
  /** Where it dies by itself. */
  readonly death?: Death | undefined;
  readonly breach?: Breach | undefined;
}

/** Nobody waits so long but behind one that has stopped for good. */
const lockWaitMs = 60_000;

/**
 * Recovers a root as whoever opens it does, and commits to it over and over. Whoever looks at the
 * whole tree finds that of one commit, whose number never goes back.
 */
export async function commitForEver(order: CommitterOrder): Promise<never> {
  const place = placeIn(order.directory);
  const said = fs.openSync(place.said, "a");
  const say = (words: string): void => {
    fs.writeSync(said, `${order.name} ${words}\n`);
  };
  try {
    const committer = new Committer(place, order, say);
    await committer.recover();
    for (;;) await committer.commitOnce();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say(`failed ${text.replaceAll("\n", " ")}`);
    process.kill(process.pid, "SIGKILL");
    throw error;
  }
}

class Committer {
  readonly #place: Place;
  readonly #order: CommitterOrder;
  readonly #say: (words: string) => void;
  readonly #random: SeededRandom;
  readonly #store;

  constructor(place: Place, order: CommitterOrder, say: (words: string) => void) {
    this.#place = place;
    this.#order = order;
    this.#say = say;
    this.#random = new SeededRandom(order.seed);
    const { slot, breach, death } = order;
    const disk = tellOf(brokenDisk(breach, place.root), place, slot, death);
    this.#store = openCommitStore(disk, stateDirectoryOf(place.root));
  }

  async recover(): Promise<void> {
    const report = await recoverRoot(this.#store, { waitMs: lockWaitMs });
    this.#say(`recovered ${report?.journal.outcome ?? "nothing"}`);
  }

  async commitOnce(): Promise<void> {
    // Whoever never pauses leaves the lock to nobody else.
    await delay(this.#random.between(0, 3));
    while (fs.existsSync(this.#place.gate)) await delay(1);
    const next = changesFromHere(this.#place.root, this.#order.name);
    if (next === undefined) return;
    const { made, changes } = next;
    const { durability, breach } = this.#order;
    try {
      if (breach === "early-word") this.#say(`committed ${made.number}`);
      const message = wordsOf(made);
      await commitChangeSet(this.#store, changes, { durability, lockWaitMs, message });
      if (breach !== "early-word") this.#say(`committed ${made.number}`);
    } catch (error) {
      // Somebody else was faster. Anything but that is a finding.
      if (!isDraftError(error) || error.code !== "DRAFT_CONFLICT") throw error;
    }
  }
}

/** `undefined` where somebody is changing the tree while it is looked at: then there is no sense in it. */
function changesFromHere(
  root: string,
  by: string,
): { readonly made: Made; readonly changes: ChangeSet } | undefined {
  try {
    const before = readMade(root);
    return {
      made: { number: before.number + 1, by },
      changes: changesTo(root, before, by),
    };
  } catch {
    return undefined;
  }
}
