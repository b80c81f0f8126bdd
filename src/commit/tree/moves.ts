import type { Disk } from "../../disk/disk.ts";
import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { MoveStep, NodeImage, Step } from "../plan/step.ts";
import { type Directories, isAbsentDirectory } from "./directories.ts";
import { isMovedNode } from "./recognise.ts";

/**
 * Finds the nodes that an operation moves, wherever a crash has left each of them: at its old
 * place, in its slot or at its new place. They are recognised by their inode.
 */
export class Moves {
  readonly #disk: Disk;
  readonly #directories: Directories;
  readonly #byOrigin = new Map<TreePath, MoveStep<NodeImage>>();

  constructor(disk: Disk, directories: Directories, steps: readonly Step[]) {
    this.#disk = disk;
    this.#directories = directories;
    for (const step of steps) {
      if (step.kind === "move") this.#byOrigin.set(step.from, step);
      // Taking back a move that went through a slot: the second half may have no step any more.
      if (step.kind !== "park" || this.#byOrigin.has(step.path)) continue;
      const { path: from, slot, finally: path, node } = step;
      this.#byOrigin.set(from, { kind: "move", path, from, slot, node, replaced: null });
    }
  }

  /** Where a moved node is now, `undefined` when it is nowhere. */
  find(step: Pick<MoveStep<NodeImage>, "path" | "slot" | "from" | "node">): TreePath | undefined {
    const candidates = [step.path, ...(step.slot === null ? [] : [step.slot])];
    for (const path of candidates) if (this.#holds(path, step.node)) return path;
    const origin = this.placeNow(step.from);
    return this.#holds(origin, step.node) ? origin : undefined;
  }

  /** Where the place `path` of the old tree is now: the directories above it may have moved on. */
  placeNow(path: TreePath): TreePath {
    if (this.#byOrigin.size === 0) return path;
    for (let up = parentOf(path); up !== ""; up = parentOf(up)) {
      const move = this.#byOrigin.get(up);
      if (move === undefined) continue;
      const now = this.find(move);
      return now === undefined ? path : now + path.slice(up.length);
    }
    return path;
  }

  #holds(path: TreePath, node: NodeImage): boolean {
    try {
      const stamp = this.#disk.lstat(this.#directories.locate(path));
      return stamp !== undefined && isMovedNode(stamp, node);
    } catch (error) {
      if (isAbsentDirectory(error)) return false;
      throw error;
    }
  }
}
