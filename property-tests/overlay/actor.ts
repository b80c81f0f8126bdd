import nodeFs from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readContent } from "../../src/overlay/content.ts";
import {
  type Layer,
  type LayerOptions,
  openLayer,
  type Savepoint,
} from "../../src/overlay/layer.ts";
import { treeDifferences } from "../../test/conformance/harness/difference.ts";
import { classifierOf, type Frame } from "../../test/conformance/harness/plain.ts";
import { Recorder } from "../../test/conformance/harness/recorder.ts";
import type { Fs } from "../../test/conformance/harness/seed.ts";
import { readTree, type Tree } from "../../test/conformance/harness/tree.ts";
import { restoreTree, type SavedTree, saveTree } from "./mirror.ts";
import { type Action, type Place, perform } from "./operations.ts";

/** One side of the comparison: a recorded fs, its frame and its open descriptors. */
interface Side extends Place {
  readonly recorder: Recorder;
  readonly frame: Frame;
}

/** How a descriptor was opened, and which of all openings that was. */
interface Opened {
  readonly flags: string;
  readonly serial: number;
}

/** What is needed to come back to a savepoint. */
interface Saved {
  readonly savepoint: Savepoint;
  readonly tree: SavedTree;
  readonly opened: ReadonlyMap<number, Opened>;
}

/** A real descriptor to be opened again. */
interface Kept {
  readonly slot: number;
  readonly path: string;
  readonly flags: string;
  readonly position: number;
}

type OpenInput = readonly [slot: number, path: string, flags: string];

/** Flags that open a file as it was opened, without emptying it; those for writing alone have none. */
const flagsToReopen: Readonly<Record<string, string>> = {
  r: "r",
  "r+": "r+",
  "w+": "r+",
  a: "a",
  "a+": "a+",
  "ax+": "a+",
};

/** One overlay over a lower that others share, and a real directory that it must equal. */
export class Actor {
  readonly layer: Layer;
  readonly #real: Side;
  readonly #overlay: Side;
  readonly #savepoints: Saved[] = [];
  /** How the descriptor in each slot was opened. */
  readonly #opened = new Map<number, Opened>();
  #opens = 0;

  /**
   * @param mirror a real directory, equal to the lower at the start.
   * @param options how to open the layer.
   */
  constructor(lower: string, mirror: string, options: Partial<LayerOptions> = {}) {
    this.layer = openLayer({ root: lower, ...options });
    this.#real = sideOf(nodeFs, mirror);
    this.#overlay = sideOf(this.layer.fs as unknown as Fs, lower);
  }

  /** Performs an action on both sides and compares what came of it. */
  step(action: Action): void {
    switch (action.kind) {
      case "savepoint": {
        const tree = saveTree(this.#real.root);
        // What this user may not read now could not be put back.
        if (tree === undefined) return;
        const opened = new Map(this.#opened);
        this.#savepoints.push({ savepoint: this.layer.savepoint(), tree, opened });
        return;
      }
      case "rollback":
        this.#rollback();
        return;
      case "release": {
        const last = this.#savepoints.pop();
        if (last) this.layer.release(last.savepoint);
        return;
      }
      default:
        perform(this.#real, action);
        perform(this.#overlay, action);
        if (action.kind === "open") this.#noteOpened(action.input as OpenInput);
        this.#compareSteps();
    }
  }

  /** Compares the whole trees. */
  compareTrees(): void {
    const differences = treeDifferences(treeOf(this.#real), treeOf(this.#overlay));
    if (differences.length > 0) throw new Error(`The trees differ: ${shown(differences)}`);
    this.#compareSpills();
  }

  /** Compares what is offered to a commit as a file with what reads of it give. */
  #compareSpills(): void {
    for (const entry of this.layer.pending()) {
      if (entry.kind !== "file" || entry.content.spilled === undefined) continue;
      const offered = nodeFs.readFileSync(entry.content.spilled);
      if (!offered.equals(readContent(entry.content)))
        throw new Error(`Other bytes: ${entry.path}`);
    }
  }

  /** The merged tree as it is now. */
  view(): Tree {
    return treeOf(this.#overlay);
  }

  close(): void {
    this.#closeAll();
    this.layer.close();
  }

  #noteOpened([slot, , flags]: OpenInput): void {
    this.#opened.set(slot, { flags, serial: ++this.#opens });
  }

  /** Puts both sides back; what was open at the savepoint and has a name then stays open. */
  #rollback(): void {
    const last = this.#savepoints.pop();
    if (!last) return;
    const kept = [...this.#real.open.keys()].flatMap((slot) => this.#keptAt(slot, last));
    this.layer.rollback(last.savepoint);
    restoreTree(this.#real.root, last.tree);
    for (const { slot, path, flags, position } of kept) {
      const descriptor = openAt(join(this.#real.root, path), flags, position);
      if (descriptor === undefined) this.#closeSlot(this.#overlay, slot);
      else this.#real.open.set(slot, descriptor);
    }
    this.compareTrees();
  }

  /** Closes a slot on the real side, to be opened again, and on both if that cannot be. */
  #keptAt(slot: number, { opened, tree }: Saved): Kept[] {
    const descriptor = this.#real.open.get(slot);
    if (descriptor === undefined) return [];
    const { ino } = nodeFs.fstatSync(descriptor, { bigint: true });
    const position = positionOf(descriptor);
    this.#closeSlot(this.#real, slot);
    const now = this.#opened.get(slot);
    const before = opened.get(slot);
    const node = tree.find(({ stats }) => stats.ino === ino && stats.isFile());
    const flags = before === undefined ? undefined : flagsToReopen[before.flags];
    if (node !== undefined && flags !== undefined && before?.serial === now?.serial) {
      return [{ slot, path: node.path, flags, position }];
    }
    this.#closeSlot(this.#overlay, slot);
    return [];
  }

  #closeSlot({ raw, open }: Side, slot: number): void {
    const descriptor = open.get(slot);
    if (descriptor !== undefined) raw.closeSync(descriptor);
    open.delete(slot);
  }

  #closeAll(): void {
    for (const side of [this.#real, this.#overlay]) {
      for (const slot of [...side.open.keys()]) this.#closeSlot(side, slot);
    }
  }

  #compareSteps(): void {
    const expected = this.#real.recorder.steps.splice(0);
    const got = this.#overlay.recorder.steps.splice(0);
    if (isDeepStrictEqual(expected, got)) return;
    throw new Error(`Expected ${shown(expected)}\n     got ${shown(got)}`);
  }
}

function positionOf(descriptor: number): number {
  const info = nodeFs.readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
  return Number(/^pos:\s*(\d+)/.exec(info)?.[1] ?? 0);
}

/** Opens a file at a position, which only reading can move to; `undefined` where it cannot. */
function openAt(path: string, flags: string, position: number): number | undefined {
  const descriptor = nodeFs.openSync(path, flags);
  if (flags === "a") return descriptor;
  const before = Buffer.alloc(position);
  if (nodeFs.readSync(descriptor, before, 0, position, null) === position) return descriptor;
  nodeFs.closeSync(descriptor);
  return undefined;
}

function sideOf(fs: Fs, root: string): Side {
  const frame: Frame = {
    root,
    outside: join(root, "..", "outside"),
    timeOf: withoutClock(classifierOf(BigInt(Date.now()) * 1_000_000n)),
    directoryLinks: false,
    aliases: new Map(),
  };
  const recorder = new Recorder(fs, frame);
  const note = recorder.note.bind(recorder);
  return { fs: recorder.fs, raw: fs, root, open: new Map(), note, recorder, frame };
}

/** There is no wait between seeding and running here, so that near times say nothing. */
function withoutClock(timeOf: (timeNs: bigint) => string): (timeNs: bigint) => string {
  return (timeNs) => {
    const found = timeOf(timeNs);
    return found === "seeded" ? "changed" : found;
  };
}

function treeOf({ raw, root, frame }: Side): Tree {
  return readTree(raw, root, frame);
}

function shown(value: unknown): string {
  return JSON.stringify(value, null, 1).slice(0, 4000);
}
