import { findNode } from "./overlay-path.ts";
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
    const node = findNode(this.#overlay, path);
    this.#nodes.set(path, node);
    return node;
  }
}
