import type { TreePath } from "../../disk/tree-path.ts";
import { isDraftError } from "../../errors.ts";
import type { CommitStore } from "../commit-store.ts";
import type { Step } from "../plan/step.ts";
import type { Directories } from "../tree/directories.ts";
import type { Moves } from "../tree/moves.ts";
import type { Restaging } from "./restaging.ts";
import { setAside } from "./set-aside.ts";

/** A place that holds what somebody else put there after the crash: it was left as it is. */
export interface KeptPlace {
  readonly path: TreePath;
  /** What the record would have done there. */
  readonly step: Step["kind"];
  /** Where the content that the operation wanted there was saved, relative to the root. */
  readonly savedAs: TreePath | null;
}

/** The places that a recovery leaves alone; what was to go there is saved aside. */
export class KeptPlaces {
  readonly #store: CommitStore;
  readonly #directories: Directories;
  readonly #sequence: number;
  readonly #moves: Moves;
  readonly #restaging: Restaging;
  readonly list: KeptPlace[] = [];

  /** @param sequence of the record, which names where things are saved. */
  constructor(
    store: CommitStore,
    directories: Directories,
    sequence: number,
    moves: Moves,
    restaging: Restaging,
  ) {
    this.#store = store;
    this.#directories = directories;
    this.#sequence = sequence;
    this.#moves = moves;
    this.#restaging = restaging;
  }

  has(path: TreePath): boolean {
    return this.list.some((kept) => kept.path === path);
  }

  add(step: Step): "kept" {
    this.list.push({ path: step.path, step: step.kind, savedAs: this.#save(step) });
    return "kept";
  }

  /** Saves what has no other place any more once the staging place is removed. */
  #save(step: Step): TreePath | null {
    const { disk, state } = this.#store;
    const saved = (source: TreePath): TreePath => {
      const place = this.#directories.locate(source);
      const target = setAside(disk, state, this.#sequence, step.path, place);
      this.#directories.forget();
      return target;
    };
    switch (step.kind) {
      case "move": {
        const now = this.#moves.find(step);
        return now !== undefined && now === step.slot ? saved(now) : null;
      }
      case "install":
      case "write":
      case "link":
        if (step.node.kind === "directory") return null;
        try {
          const times = step.kind !== "link" && step.times;
          this.#restaging.ensure(step.node, step.staged, times, step.path);
        } catch (error) {
          // Large content of which there is no copy any more.
          if (isDraftError(error)) return null;
          throw error;
        }
        return saved(step.staged);
      case "park":
      case "remove":
      case "mkdir":
      case "attributes":
        return null;
    }
  }
}
