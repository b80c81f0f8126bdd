import { isWithin, type TreePath } from "../../disk/tree-path.ts";

/** Something that is somewhere else afterwards. */
export interface PlannedMove {
  /** Where it lies before any move. */
  readonly from: TreePath;
  /** Where it lies after all of them. */
  readonly path: TreePath;
}

/** One renaming on the way. */
export interface MoveStep<Move extends PlannedMove> {
  readonly move: Move;
  readonly source: TreePath;
  readonly target: TreePath;
  /** Whether `target` is where the move ends, and not a name that it waits under. */
  readonly isLast: boolean;
}

/**
 * Moves that are one value, such as those of a change set, as renamings one after the other: what
 * lies inside a moved directory leaves it first, what makes room or the parent of a target comes
 * before it, and where moves wait for each other (two names swapped), one waits under a name of its
 * own.
 */
export function orderMoves<Move extends PlannedMove>(moves: readonly Move[]): MoveStep<Move>[] {
  const steps: MoveStep<Move>[] = [];
  let waiting = moves.map((move) => ({ move, source: move.from }));
  while (waiting.length > 0) {
    const free = waiting.filter((one) => !waiting.some((other) => isBlockedBy(one, other)));
    // Those that are free at the same time do not touch each other.
    for (const { move, source } of free) {
      steps.push({ move, source, target: move.path, isLast: true });
    }
    const done = new Set(free);
    waiting = waiting.filter((one) => !done.has(one));
    if (free.length > 0) continue;
    const index = waiting.findIndex((one) => isInnermost(one, waiting));
    const [parked] = waiting.splice(index, 1);
    if (parked === undefined) break;
    const target = `draftfs-moved-${steps.length}`;
    steps.push({ move: parked.move, source: parked.source, target, isLast: false });
    waiting.push({ move: parked.move, source: target });
  }
  return steps;
}

interface WaitingMove {
  readonly move: PlannedMove;
  readonly source: TreePath;
}

function isBlockedBy(one: WaitingMove, other: WaitingMove): boolean {
  if (one === other) return false;
  const { source, move } = one;
  return (
    isWithin(other.source, source) ||
    isWithin(other.source, move.path) ||
    isWithin(move.path, other.source) ||
    (move.path !== other.move.path && isWithin(move.path, other.move.path))
  );
}

/** Whether it can be taken away as it lies, and was not taken away before. */
function isInnermost(one: WaitingMove, waiting: readonly WaitingMove[]): boolean {
  if (one.source !== one.move.from) return false;
  return !waiting.some((other) => other !== one && isWithin(other.source, one.source));
}
