import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { DraftError } from "../../errors.ts";
import type { CommitStore } from "../commit-store.ts";
import { failure } from "../failure.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import { type MoveStep, mapStep, type NodeImage, type ParkStep, type Step } from "../plan/step.ts";
import { Directories } from "../tree/directories.ts";
import { isImage, withoutIdentity } from "../tree/recognise.ts";

type Relocation = Pick<MoveStep<NodeImage>, "path" | "from" | "slot" | "node" | "replaced">;

/** Whether recovery of a step has to tell a node from others by its inode. */
export function needsInode(step: Step): boolean {
  switch (step.kind) {
    case "move":
    case "park":
      return true;
    case "remove":
      return step.node.kind === "directory";
    case "attributes":
      return step.phase === "early";
    default:
      return false;
  }
}

/**
 * The record of an operation that was not carried out whole, with the inode numbers of this tree.
 *
 * In a copy (cp -a, a backup put back) files and directories have other numbers than the record
 * names, and a number may even be another one's. Then each node that moves is looked for at the
 * places where it can be, and the others are known by their content. Changes nothing; as the places
 * tell, so it finds the same again after a recovery that was cut off.
 *
 * @param isApplied whether all steps had been carried out when the tree was copied.
 * @throws {DraftError} `DRAFT_RECOVERY_FAILED` when the places leave it open where a node is.
 */
export function identifyInCopy(
  store: CommitStore,
  record: JournalRecord,
  isApplied: boolean,
): JournalRecord {
  const { disk, state } = store;
  const inode = disk.lstat(state.path)?.ino;
  if (record.stateInode === undefined || inode === undefined) return record;
  if (record.stateInode === String(inode)) return record;
  using directories = new Directories(disk, state.root);
  const moved = new CopiedMoves(store, directories, record.steps, isApplied).identify();
  const steps = record.steps.map((step): Step => {
    const known = mapStep(step, { old: withoutIdentity, new: withoutIdentity, slot: (at) => at });
    if (known.kind !== "move" && known.kind !== "park") return known;
    const ino = moved.get(originOf(known));
    return ino === undefined ? known : { ...known, node: { ...known.node, ino } };
  });
  return { ...record, stateInode: String(inode), steps };
}

function originOf(step: MoveStep<NodeImage> | ParkStep<NodeImage>): TreePath {
  return step.kind === "move" ? step.from : step.path;
}

class CopiedMoves {
  readonly #store: CommitStore;
  readonly #directories: Directories;
  readonly #isApplied: boolean;
  readonly #moves: readonly Relocation[];
  /** Places of which the record knows that something lies there at first. */
  readonly #taken: ReadonlySet<TreePath>;
  /** Where each moved node is, by its place in the old tree. */
  readonly #found = new Map<TreePath, TreePath>();

  constructor(
    store: CommitStore,
    directories: Directories,
    steps: readonly Step[],
    isApplied: boolean,
  ) {
    this.#store = store;
    this.#directories = directories;
    this.#isApplied = isApplied;
    const moves = new Map<TreePath, Relocation>();
    for (const step of steps) {
      if (step.kind === "move") moves.set(step.from, step);
      if (step.kind !== "park" || moves.has(step.path)) continue;
      const { path: from, finally: path, slot, node } = step;
      moves.set(from, { from, path, slot, node, replaced: null });
    }
    // What lies in a directory that moves is found when it is known where that is.
    this.#moves = [...moves.values()].sort((a, b) => a.from.length - b.from.length);
    const removed = steps.filter(({ kind }) => kind === "remove").map(({ path }) => path);
    const replaced = this.#moves.filter((move) => move.replaced !== null);
    this.#taken = new Set([...removed, ...moves.keys(), ...replaced.map(({ path }) => path)]);
  }

  /** @returns the inode number here of each node that moves, by its place in the old tree. */
  identify(): ReadonlyMap<TreePath, string> {
    let open = this.#moves;
    for (;;) {
      const left = open.filter((move) => !this.#settle(move));
      if (left.length === 0) break;
      // What has been settled may have told whose a place is.
      if (left.length === open.length) throw this.#undecided(left);
      open = left;
    }
    const inodes = [...this.#found].map(([from, now]) => {
      return [from, String(this.#directories.find(now)?.ino)] as const;
    });
    return new Map(inodes);
  }

  /** @returns whether it is known where the node is. */
  #settle(move: Relocation): boolean {
    const place = this.#placeOf(move);
    if (place !== undefined) this.#found.set(move.from, place);
    return place !== undefined;
  }

  #placeOf({ path, slot, from, node }: Relocation): TreePath | undefined {
    if (slot !== null && this.#holds(slot, node)) return slot;
    const origin = this.#placeNow(from);
    const isThere = this.#holds(path, node);
    if (isThere && this.#isApplied) return path;
    const isHere = origin !== path && this.#holds(origin, node);
    if (!isThere || !isHere) return isThere ? path : isHere ? origin : undefined;
    // Nothing else comes to an old place that is left without a slot; what lies at the new one has
    // to go first.
    return slot === null && this.#taken.has(path) ? origin : undefined;
  }

  #placeNow(path: TreePath): TreePath {
    for (let up = parentOf(path); up !== ""; up = parentOf(up)) {
      const now = this.#found.get(up);
      if (now !== undefined) return now + path.slice(up.length);
    }
    return path;
  }

  /** Whether something like the node lies there that is not known to be another one. */
  #holds(path: TreePath, node: NodeImage): boolean {
    if ([...this.#found.values()].includes(path)) return false;
    const stamp = this.#directories.find(path);
    if (stamp === undefined || stamp.kind !== node.kind) return false;
    // Nobody has read a large file that is moved as it is.
    if (node.kind === "file" && node.oid === "") return stamp.size === node.size;
    const place = this.#directories.locate(path);
    return isImage(this.#store.disk, place, stamp, withoutIdentity(node));
  }

  #undecided(moves: readonly Relocation[]): DraftError {
    const { state } = this.#store;
    const names = moves.slice(0, 3).map(({ from, path }) => `${from} (moved to ${path})`);
    const where = names.join(", ");
    const reason = `this tree is a copy, made in the middle of an operation, and ${where}`;
    const leftToPerson = [
      "recover the tree that this one was copied from, and copy it again",
      `or put in order what was moving, and move ${state.journal} away`,
    ];
    const cause = new Error(`${reason} cannot be told from what else lies there`);
    return failure("DRAFT_RECOVERY_FAILED", `recover ${state.root}`, cause, {
      path: state.root,
      level: "system_failure",
      state: "Nothing was touched.",
      help:
        "Recover the tree that this one was copied from and copy it again; or put in order what " +
        `was moving, and move ${state.journal} away: see docs/recovery.md.`,
      details: { attempted: [], leftToPerson },
    });
  }
}
