import type { TreePath } from "../../disk/tree-path.ts";
import type { Seen } from "../conflict/recheck.ts";
import { sharedInodesOf } from "../conflict/shared-nodes.ts";
import type { NodeImage, Step } from "../plan/step.ts";
import type { Directories } from "../tree/directories.ts";

/** Somebody has changed what a step was about to take away, when it was too late to refuse it. */
export class ChangedMeanwhile extends Error {
  constructor() {
    super("another program has changed it in this very moment");
  }
}

/**
 * The look at a file or link right before its name is given to something else, or taken away. The
 * commit point lies in between that and the look at all places (`recheck.ts`), and with it a wait
 * for the device; what an editor saves meanwhile must not be lost. One lstat for each.
 *
 * Files of several names are left out: other steps of the same commit change them.
 */
export class LastLook {
  readonly #directories: Directories;
  readonly #seen = new Map<TreePath, Seen>();

  constructor(directories: Directories, seen: readonly Seen[]) {
    this.#directories = directories;
    const shared = sharedInodesOf(seen);
    for (const each of seen) {
      const { stamp } = each;
      if (stamp === undefined || stamp.kind === "directory") continue;
      if (!shared.has(String(stamp.ino))) this.#seen.set(each.expectation.path, each);
    }
  }

  /**
   * To be called for every step, in their order, right before it is carried out.
   *
   * @throws {ChangedMeanwhile} when it would take away what nobody has looked at.
   */
  check(step: Step): void {
    const stamp = this.#seen.get(step.path)?.stamp;
    this.#follow(step);
    const taken = nodeTakenBy(step);
    if (stamp === undefined || taken === null || taken.kind === "directory") return;
    const now = this.#directories.find(step.path);
    // One that is gone is nobody's loss, and the step finds out by itself.
    if (now === undefined) return;
    const isSame = now.ino === stamp.ino && now.dev === stamp.dev && now.size === stamp.size;
    if (!isSame || now.mtimeNs !== stamp.mtimeNs) throw new ChangedMeanwhile();
  }

  /** Where the commit itself puts something, or moves it, lies something else than was seen. */
  #follow(step: Step): void {
    if (step.kind === "attributes") return;
    this.#seen.delete(step.path);
    if (step.kind === "move") this.#seen.delete(step.from);
    const isMoving = step.kind === "park" || step.kind === "move";
    // All paths below it lead elsewhere now.
    if (isMoving && step.node.kind === "directory") this.#seen.clear();
  }
}

/** What loses its name by a step, or its bytes. */
function nodeTakenBy(step: Step): NodeImage | null {
  switch (step.kind) {
    case "remove":
      return step.node;
    case "move":
    case "install":
    case "link":
    case "write":
      return step.replaced;
    case "park":
    case "mkdir":
    case "attributes":
      return null;
  }
}
