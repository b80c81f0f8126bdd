import { directoryOf, findNode } from "./overlay-path.ts";
import type { EngineOverlay, EngineStats } from "./overlay-port.ts";

/**
 * What lies at the names that were looked at, each asked for once. It holds for as long as nothing
 * changes the overlay: whoever changes it throws this away.
 */
export class KnownNodes {
  readonly #overlay: EngineOverlay;
  readonly #nodes = new Map<string, EngineStats | undefined>();

  constructor(overlay: EngineOverlay) {
    this.#overlay = overlay;
  }

  /** The node at `path` itself, `undefined` when there is none. */
  find(path: string): EngineStats | undefined {
    const known = this.#nodes.get(path);
    if (known !== undefined || this.#nodes.has(path)) return known;
    const node = this.#isBelowNothing(path) ? undefined : findNode(this.#overlay, path);
    this.#nodes.set(path, node);
    return node;
  }

  /** Whether its directory is known to be missing, as all of them are of a tree that is new. */
  #isBelowNothing(path: string): boolean {
    const parent = directoryOf(path);
    return this.#nodes.get(parent) === undefined && this.#nodes.has(parent);
  }
}
