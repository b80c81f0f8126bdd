import type { Lower } from "../disk/lower/lower.ts";
import type { Stamp } from "../disk/stamp.ts";
import type { TreePath } from "../disk/tree-path.ts";

/** What was seen of one path of the lower: its stamp, or that nothing lay there. */
export interface Observation {
  readonly path: TreePath;
  readonly stamp: Stamp | undefined;
}

/**
 * Takes down what code has read of the lower, for `isolation: "serializable"`: a commit may then
 * check that nothing of it has changed. Every path counts as it was seen first.
 */
export class Observations {
  readonly #lower: Lower;
  readonly #prefixLength: number;
  readonly #seen = new Map<string, Stamp | undefined>();

  constructor(lower: Lower, root: string) {
    this.#lower = lower;
    this.#prefixLength = root === "/" ? 1 : root.length + 1;
  }

  /** @param path absolute, in the lower. */
  add(path: string): void {
    if (!this.#seen.has(path)) this.#seen.set(path, this.#lower.stamp(path));
  }

  /** Everything that was seen, in the order in which it was. */
  *all(): Generator<Observation> {
    for (const [path, stamp] of this.#seen) yield { path: path.slice(this.#prefixLength), stamp };
  }

  /** Forgets everything, after a commit or a discard. */
  clear(): void {
    this.#seen.clear();
  }
}
