import fs from "node:fs";
import { openCommitStore } from "../../../src/commit/commit-store.ts";
import { lookIfWhole } from "../../../src/commit/recover/recovery-due.ts";
import { NodeDisk } from "../../../src/disk/node/node-disk.ts";
import { type StateDirectory, stateDirectoryOf } from "../../../src/disk/state/state-directory.ts";
import type { ImpatientDisk } from "../impatient-disk.ts";
import { encodeStanding, type Place, type Standing, standingBytes } from "./place.ts";

const changing = [
  ...["write", "truncate", "mkdir", "rmdir", "unlink", "rename", "renameNew", "link", "symlink"],
  ...["chmod", "fchmod", "lchown", "lutimes"],
] as const;

/** Before which change of the disk a process is to die. */
export interface Death {
  /**
   * While it has the lock for the so manieth time, counting from 1, or again, where it gave it back
   * before; whether or not it has the lock where missing.
   */
  readonly holding?: number | undefined;
  /** Counting from 1 where it has the lock, otherwise from 0 and from its birth. */
  readonly change: number;
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Tells of a process, before each change that it makes, what it is in the middle of. */
class Teller {
  readonly #state: StateDirectory;
  readonly #probe;
  readonly #file: number;
  readonly #position: number;
  readonly #death: Death | undefined;
  #standing: Standing = { doing: "waiting", changes: 0, recoveries: 0 };
  /** How often it has had the lock, and how many changes it has begun in all. */
  #holdings = 0;
  #changes = 0;

  constructor({ root, standings }: Place, slot: number, death: Death | undefined) {
    this.#death = death;
    this.#state = stateDirectoryOf(root);
    this.#probe = openCommitStore(new NodeDisk(), this.#state);
    this.#file = fs.openSync(standings, "r+");
    this.#position = slot * standingBytes;
    this.#tell();
  }

  beforeChange(): void {
    if (this.#standing.doing !== "waiting") this.#count();
    if (this.#isDue()) process.kill(process.pid, "SIGKILL");
    this.#changes += 1;
  }

  #count(): void {
    const { doing, changes } = this.#standing;
    const isWhole = doing === "committing" || this.#isWhole();
    const now = isWhole ? "committing" : "recovering";
    this.#standing = { ...this.#standing, doing: now, changes: changes + 1 };
    this.#tell();
  }

  afterChange(name: string, args: readonly unknown[]): void {
    const isTaking = (name === "link" || name === "rename") && args[1] === this.#state.lock;
    if (isTaking) this.#take();
    if (name === "unlink" && args[0] === this.#state.lock) this.#stand("waiting", 0);
  }

  #isDue(): boolean {
    if (this.#death === undefined) return false;
    const { holding, change } = this.#death;
    if (holding === undefined) return this.#changes === change;
    return this.#holdings >= holding && this.#standing.changes === change;
  }

  #take(): void {
    this.#holdings += 1;
    const isWhole = this.#isWhole();
    this.#stand(isWhole ? "committing" : "recovering", isWhole ? 0 : 1);
  }

  #stand(doing: Standing["doing"], recoveries: number): void {
    const before = this.#standing.recoveries;
    this.#standing = { doing, changes: 0, recoveries: before + recoveries };
    this.#tell();
  }

  #isWhole(): boolean {
    return lookIfWhole(this.#probe) !== undefined;
  }

  #tell(): void {
    fs.writeSync(this.#file, encodeStanding(this.#standing), 0, standingBytes, this.#position);
  }
}

/** Tells what the process of a disk is doing, and kills it at a change that was drawn before. */
export function tellOf<Told extends ImpatientDisk>(
  disk: Told,
  place: Place,
  slot: number,
  death: Death | undefined,
): Told {
  const teller = new Teller(place, slot, death);
  const methods = disk as unknown as Methods;
  for (const name of changing) {
    const perform = methods[name] as Methods[string];
    methods[name] = (...args) => {
      teller.beforeChange();
      const result = perform.apply(disk, args);
      teller.afterChange(name, args);
      return result;
    };
  }
  return disk;
}
