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

/** One overlay over a lower that others share, and a real directory that it must equal. */
export class Actor {
  readonly layer: Layer;
  readonly #real: Side;
  readonly #overlay: Side;
  readonly #savepoints: { readonly savepoint: Savepoint; readonly tree: SavedTree }[] = [];

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
      case "savepoint":
        this.#savepoints.push({
          savepoint: this.layer.savepoint(),
          tree: saveTree(this.#real.root),
        });
        return;
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

  #rollback(): void {
    const last = this.#savepoints.pop();
    if (!last) return;
    this.#closeAll();
    this.layer.rollback(last.savepoint);
    restoreTree(this.#real.root, last.tree);
    this.compareTrees();
  }

  #closeAll(): void {
    for (const side of [this.#real, this.#overlay]) {
      for (const descriptor of side.open.values()) side.fs.closeSync(descriptor);
      side.open.clear();
    }
  }

  #compareSteps(): void {
    const expected = this.#real.recorder.steps.splice(0);
    const got = this.#overlay.recorder.steps.splice(0);
    if (isDeepStrictEqual(expected, got)) return;
    throw new Error(`Expected ${shown(expected)}\n     got ${shown(got)}`);
  }
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
