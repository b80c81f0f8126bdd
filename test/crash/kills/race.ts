import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { TemporaryRoot } from "../../commit/scenario.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import type { Breach } from "./broken-disks.ts";
import { layOut } from "./committed-tree.ts";
import { type ForkServer, isOverWithin } from "./fork-server.ts";
import { Judge } from "./judge.ts";
import { decodeStanding, type Place, placeIn, type Standing, standingBytes } from "./place.ts";
import { Said } from "./said.ts";
import type { Death } from "./telling-disk.ts";

export interface RaceOptions {
  /** How many processes live at the same time. */
  readonly processes: number;
  /** After so many kills it ends, or later: when it has consisted of enough, see {@link leastOf}. */
  readonly kills: number;
  /** Of what is chosen; which process is how far when is the machine's choice. */
  readonly seed: number;
  /** What is wrong with the protocol. */
  readonly breach?: Breach | undefined;
}

/** What a race consisted of. */
export interface RaceCounts {
  /** As many as were asked for, or more. */
  readonly kills: number;
  /** Those whose victim held the lock: it was recovering, or committing. */
  readonly whileRecovering: number;
  readonly whileCommitting: number;
  /** In how many different depths of a commit, and of a recovery, one was killed. */
  readonly depths: number;
  /** Acknowledged. */
  readonly commits: number;
  /** Operations that were left unfinished, and found by the next one. */
  readonly recoveries: number;
  readonly judgements: number;
}

/** About how many changes of the disk a commit consists of, a recovery at most, and taking a lock. */
const changesOfHolding = 44;
const changesOfRecovery = 25;
const changesOfTaking = 6;
/** How often a process that is to die at a change may have had the lock by then. */
const holdingsMax = 6;
/** How long a process may live that is to die at a change, among others and alone. */
const lifeMsMax = 50;
const lifeMsMaxAlone = 5000;
const racingMsMax = 8;
/** Judgements of the tree between two of all that there is. */
const judgementsBetween = 25;

/** What a short race is allowed to miss by chance. */
const luck = 4;

/** A race in which nothing happens proves nothing. On a busy machine most die before they do much. */
function leastOf(kills: number): Omit<RaceCounts, "kills"> {
  return {
    whileCommitting: kills / 8,
    whileRecovering: kills / 100 - luck,
    recoveries: kills / 40 - luck,
    commits: kills / 10,
    judgements: kills / 10,
    depths: Math.min(kills / 12, 25),
  };
}

/** How many times as many kills as were asked for a race may take until it has consisted of enough. */
const patience = 4;

/** @param kills as many as were asked for. */
export function expectWork(counts: RaceCounts, kills: number): void {
  for (const [name, least] of Object.entries(leastOf(kills))) {
    expect(counts[name as keyof RaceCounts], name).toBeGreaterThan(least);
  }
}

interface Living {
  readonly pid: number;
  readonly diesByItself: boolean;
}

/** Processes that commit and recover against each other on one root, and are killed at it. */
export class Race implements AsyncDisposable {
  readonly #server: ForkServer;
  readonly #options: RaceOptions;
  readonly #random: SeededRandom;
  readonly #directory = TemporaryRoot.inMemory();
  readonly #place: Place;
  readonly #said: Said;
  readonly #judge: Judge;
  readonly #living = new Map<number, Living>();
  readonly #depths = new Set<string>();
  #born = 0;
  #kills = 0;
  #whileRecovering = 0;
  #whileCommitting = 0;
  #recoveries = 0;
  #judgements = 0;

  constructor(server: ForkServer, options: RaceOptions) {
    this.#server = server;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#place = placeIn(this.#directory.path);
    fs.mkdirSync(this.#place.root);
    layOut(this.#place.root, { number: 0, by: "start" });
    fs.writeFileSync(this.#place.standings, Buffer.alloc(options.processes * standingBytes));
    this.#said = new Said(this.#place.said);
    this.#judge = new Judge(this.#place, this.#said);
  }

  /** @throws at the first thing that is not as it should be. */
  async run(): Promise<RaceCounts> {
    for (let round = 1; !this.#isOver(); round++) {
      await this.#fill();
      await delay(this.#random.between(0, racingMsMax));
      const isForAll = this.#random.chance(0.25);
      if (isForAll) await this.#killAll();
      else await this.#kill(this.#anySlot());
      // Whoever comes next recovers, most surely where nobody else lives, and dies of it.
      while (this.#random.chance(isForAll ? 0.7 : 0.2)) await this.#killNewcomer(this.#anySlot());
      await this.#judgeTree();
      if (round % judgementsBetween === 0) await this.#judgeAll();
    }
    await this.#judgeAll();
    await this.#server.expectAllKilled();
    return this.#counts();
  }

  #isOver(): boolean {
    const { kills } = this.#options;
    if (this.#kills < kills) return false;
    if (this.#kills >= kills * patience) return true;
    const counts = this.#counts();
    return Object.entries(leastOf(kills)).every(
      ([name, least]) => counts[name as keyof RaceCounts] > least,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#killAll();
    this.#said[Symbol.dispose]();
    this.#directory[Symbol.dispose]();
  }

  #counts(): RaceCounts {
    return {
      kills: this.#kills,
      whileRecovering: this.#whileRecovering,
      whileCommitting: this.#whileCommitting,
      depths: this.#depths.size,
      commits: this.#said.committed.size,
      recoveries: this.#recoveries + this.#judge.recoveries,
      judgements: this.#judgements,
    };
  }

  #anySlot(): number {
    return this.#random.between(0, this.#options.processes - 1);
  }

  async #fill(): Promise<void> {
    for (let slot = 0; slot < this.#options.processes; slot++) {
      const living = this.#living.get(slot);
      if (living !== undefined && (await isOverWithin(living.pid, 0))) this.#noteDeath(slot);
      if (this.#living.has(slot)) continue;
      await this.#fork(slot, this.#random.chance(0.5) ? this.#anyDeath() : undefined);
    }
  }

  #anyDeath(): Death {
    if (this.#random.chance(0.15)) return { change: this.#random.between(0, changesOfTaking) };
    const change = this.#random.between(1, changesOfHolding);
    return { holding: this.#random.between(1, holdingsMax), change };
  }

  async #fork(slot: number, death: Death | undefined): Promise<void> {
    const { breach } = this.#options;
    const isVolatile = breach === "early-record" || breach === "late-record";
    const pid = await this.#server.fork({
      kind: "commit-for-ever",
      directory: this.#directory.path,
      name: `process-${++this.#born}`,
      slot,
      seed: this.#random.between(0, 1_000_000),
      durability: isVolatile
        ? "none"
        : this.#random.pick(["durable", "durable", "durable", "none", "full"]),
      death,
      breach,
    });
    this.#living.set(slot, { pid, diesByItself: death !== undefined });
  }

  async #kill(slot: number, lifeMs = lifeMsMax): Promise<void> {
    const living = this.#living.get(slot);
    if (living === undefined) return;
    const { pid, diesByItself } = living;
    if (!diesByItself || !(await isOverWithin(pid, lifeMs))) {
      killNow(pid);
      while (!(await isOverWithin(pid, 1000)));
    }
    this.#noteDeath(slot);
  }

  async #killAll(): Promise<void> {
    const slots = [...this.#living.keys()];
    for (const slot of slots) killNow(this.#living.get(slot)?.pid);
    for (const slot of slots) await this.#kill(slot);
  }

  async #killNewcomer(slot: number): Promise<void> {
    if (this.#living.has(slot)) await this.#kill(slot);
    const isAlone = this.#living.size === 0;
    const change = this.#random.between(1, isAlone ? changesOfRecovery : changesOfHolding);
    await this.#fork(slot, { holding: 1, change });
    // Alone it comes to its death by itself, however busy the machine is.
    await this.#kill(slot, isAlone ? lifeMsMaxAlone : lifeMsMax);
  }

  #noteDeath(slot: number): void {
    this.#living.delete(slot);
    this.#kills += 1;
    const { doing, changes, recoveries } = this.#standingOf(slot);
    this.#recoveries += recoveries;
    if (doing === "waiting") return;
    if (doing === "recovering") this.#whileRecovering += 1;
    else this.#whileCommitting += 1;
    this.#depths.add(`${doing} ${changes}`);
  }

  #standingOf(slot: number): Standing {
    const file = fs.openSync(this.#place.standings, "r");
    try {
      const bytes = Buffer.alloc(standingBytes);
      fs.readSync(file, bytes, 0, standingBytes, slot * standingBytes);
      return decodeStanding(bytes);
    } finally {
      fs.closeSync(file);
    }
  }

  async #judgeTree(): Promise<void> {
    this.#judgements += 1;
    fs.writeFileSync(this.#place.gate, "");
    try {
      await this.#judge.judgeTree();
    } finally {
      fs.rmSync(this.#place.gate);
    }
  }

  async #judgeAll(): Promise<void> {
    await this.#killAll();
    await this.#judge.judgeAll();
  }
}

/** One that has died by itself, and been asked for since, is no process any more. */
function killNow(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
