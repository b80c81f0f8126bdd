import type { Disk } from "../../disk/disk.ts";
import type { Descriptors } from "../descriptors.ts";
import type { DirectoryNode } from "../node.ts";
import type { Tree } from "../tree.ts";
import type { FileContent } from "./file-content.ts";
import { MemoryBudget } from "./memory-budget.ts";
import type { Page } from "./page.ts";
import { SpillPlace } from "./spill-place.ts";

/** How much content an overlay may hold in memory, and where the rest goes. */
export interface MemoryOptions {
  readonly limitBytes: number;
  /** What spills go through. */
  readonly disk: Disk;
  /** Creates, when first asked, the directory to spill below, and names it. */
  readonly staging: () => string;
}

/** Part of the limit that is left in memory when it was reached, so that spilling stays rare. */
const keptShare = 0.5;

/** Keeps the content of one overlay within its limit of memory. */
export class ContentMemory {
  readonly budget: MemoryBudget;
  readonly place: SpillPlace;
  readonly #tree: Tree;
  readonly #descriptors: Descriptors;

  constructor(tree: Tree, descriptors: Descriptors, options: MemoryOptions) {
    this.#tree = tree;
    this.#descriptors = descriptors;
    this.place = new SpillPlace(options.disk, options.staging);
    this.budget = new MemoryBudget(options.limitBytes, () => this.#reclaim());
  }

  /** Finds out what is really held, and spills until enough of the limit is free. */
  #reclaim(): number {
    const seen = new Set<Page>();
    const held = new Map<FileContent, number>();
    let usedBytes = 0;
    for (const content of this.#contents()) {
      const bytes = content.memoryBytes(seen);
      usedBytes += bytes;
      if (bytes > 0) held.set(content, bytes);
    }
    const kept = this.budget.limitBytes * keptShare;
    if (usedBytes <= kept) return usedBytes;
    // The largest first: they free the most for the fewest writes.
    const largestFirst = [...held].sort((left, right) => right[1] - left[1]);
    for (const [content, bytes] of largestFirst) {
      if (usedBytes <= kept) break;
      content.spill(this.place);
      usedBytes -= bytes;
    }
    return usedBytes;
  }

  *#contents(): Generator<FileContent> {
    yield* contentsBelow(this.#tree.root);
    for (const node of this.#descriptors.nodes()) if (node.kind === "file") yield node.content;
    yield* this.#tree.undo.contents();
  }
}

function* contentsBelow(directory: DirectoryNode): Generator<FileContent> {
  for (const { node } of directory.entries?.values() ?? []) {
    if (node?.kind === "file") yield node.content;
    else if (node?.kind === "directory") yield* contentsBelow(node);
  }
}
