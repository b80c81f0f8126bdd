import type { Stamp } from "../../disk/stamp.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import { assert } from "../../errors.ts";
import { ensureDirectory } from "../../objects/bare-repository.ts";
import { Applier } from "../apply/apply.ts";
import { KeptNames, lostInodeOf } from "../apply/kept-names.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type {
  AttributesStep,
  FileImage,
  InstallStep,
  LinkStep,
  MoveStep,
  NodeImage,
  ParkStep,
  RemoveStep,
  Step,
  WriteStep,
} from "../plan/step.ts";
import { Directories } from "../tree/directories.ts";
import { Moves } from "../tree/moves.ts";
import { currentCreator } from "../tree/owner.ts";
import {
  hasAttributes,
  isBetween,
  isImage,
  isMovedNode,
  isParted,
  withoutIdentity,
} from "../tree/recognise.ts";
import { Evidence } from "./evidence.ts";
import { type KeptPlace, KeptPlaces } from "./kept-places.ts";
import { Restaging } from "./restaging.ts";

/** What {@link finishSteps} did. */
export interface FinishReport {
  /** Steps that had to be carried out. */
  readonly redone: number;
  /** Steps that had been carried out before. */
  readonly already: number;
  readonly kept: readonly KeptPlace[];
  /**
   * Names put back that were names of a file with others, and are files of their own now: the
   * system had not let them be kept (`KeptNames`).
   */
  readonly parted: readonly TreePath[];
}

type Outcome = "redone" | "already" | "kept";

export interface FinishOptions {
  /** The power may have gone: files may be empty or torn that were whole. */
  readonly mayBeTorn: boolean;
  /** The disk failed to write what lies there: all of it is written anew, into new inodes. */
  readonly distrust: boolean;
  /** Steps to be left out: {@link findSuperseded}. */
  readonly superseded?: ReadonlySet<Step>;
}

/**
 * Carries out what is left of a record, whatever a crash left done, in whatever order it got to the
 * disk. Idempotent, and may itself be interrupted anywhere.
 *
 * I5: a step is carried out only where its place holds what lay there before, what shall lie there,
 * or what a power cut makes of the two. Anything else was put there since: it stays, what the
 * operation wanted is saved under `conflicts/`, and the place is reported. Old content counts as
 * such only when it is as old as the record: somebody may have put it back.
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when the bytes to put in place are not to be had.
 */
export function finishSteps(
  store: CommitStore,
  record: JournalRecord,
  options: FinishOptions,
): FinishReport {
  const directories = new Directories(store.disk, store.state.root);
  try {
    return new Finisher(store, directories, record, options).run();
  } finally {
    directories.forget();
  }
}

class Finisher {
  readonly #store: CommitStore;
  readonly #directories: Directories;
  readonly #record: JournalRecord;
  readonly #options: FinishOptions;
  readonly #applier: Applier;
  readonly #evidence: Evidence;
  readonly #restaging: Restaging;
  readonly #moves: Moves;
  /** What the operation puts at places of the new tree. */
  readonly #wanted = new Map<TreePath, NodeImage>();
  readonly #kept: KeptPlaces;
  readonly #umask = currentCreator().umask;
  readonly #parted: TreePath[] = [];
  #lost = 0;

  constructor(
    store: CommitStore,
    directories: Directories,
    record: JournalRecord,
    options: FinishOptions,
  ) {
    this.#store = store;
    this.#directories = directories;
    this.#record = record;
    this.#options = options;
    this.#applier = new Applier(store.disk, directories);
    this.#evidence = new Evidence(store, record, options.mayBeTorn);
    const { distrust } = options;
    this.#restaging = new Restaging(store, directories, record, this.#applier, distrust);
    this.#moves = new Moves(store.disk, directories, record.steps);
    const { sequence } = record;
    this.#kept = new KeptPlaces(store, directories, sequence, this.#moves, this.#restaging);
    for (const step of record.steps) {
      if (step.kind === "attributes" || step.kind === "remove" || step.kind === "park") continue;
      this.#wanted.set(step.path, step.node);
    }
  }

  run(): FinishReport {
    ensureDirectory(this.#store.disk, absoluteOf(this.#store.state.root, this.#record.staging));
    let [redone, already] = [0, 0];
    for (const [index, step] of this.#record.steps.entries()) {
      if (this.#record.kind === "commit") this.#keepName(step, index);
      const outcome = this.#finish(step);
      if (outcome === "redone") redone += 1;
      if (outcome === "already") already += 1;
    }
    return { redone, already, kept: this.#kept.list, parted: this.#parted };
  }

  /** It may come to this that the operation is taken back. */
  #keepName(step: Step, index: number): void {
    const inode = lostInodeOf(step);
    if (inode === undefined || this.#options.superseded?.has(step)) return;
    const path = step.kind === "remove" ? this.#moves.placeNow(step.path) : step.path;
    const stamp = this.#directories.find(path);
    if (stamp?.kind !== "file" || stamp.nlink < 2 || String(stamp.ino) !== inode) return;
    const { disk } = this.#store;
    const inodes = new Set([inode]);
    const names = new KeptNames(disk, this.#directories, this.#record.staging, inodes);
    names.keep({ ...step, path }, index);
  }

  #finish(step: Step): Outcome {
    if (this.#options.superseded?.has(step)) return "already";
    switch (step.kind) {
      case "park":
        return this.#finishPark(step);
      case "remove":
        return this.#finishRemove(step);
      case "mkdir":
        return this.#finishDirectory(step);
      case "move":
        return this.#finishMove(step);
      case "install":
        return this.#finishInstall(step);
      case "link":
        return this.#finishLink(step);
      case "write":
        return this.#finishWrite(step);
      case "attributes":
        return this.#finishAttributes(step);
    }
  }

  #finishPark(step: ParkStep<NodeImage>): Outcome {
    const { path: from, slot, finally: path, node } = step;
    const now = this.#moves.find({ path, slot, from, node });
    if (now === undefined || now === slot || now === path) {
      // Nowhere: the move that follows puts it back from the pack or reports it.
      return "already";
    }
    this.#applier.apply({ ...step, path: now });
    return "redone";
  }

  #finishRemove(step: RemoveStep<NodeImage>): Outcome {
    const path = this.#moves.placeNow(step.path);
    const stamp = this.#directories.find(path);
    if (stamp === undefined) return "already";
    const place = this.#directories.locate(path);
    const wanted = this.#wanted.get(path);
    if (wanted !== undefined && isImage(this.#store.disk, place, stamp, wanted)) {
      const isOld = step.node.ino !== undefined && step.node.ino === String(stamp.ino);
      if (!isOld || stamp.kind !== step.node.kind) return "already";
    }
    const isOld =
      this.#evidence.isOld(place, stamp, step.node) ||
      this.#evidence.isDebris(place, stamp, [step.node]);
    if (!isOld) return this.#kept.add(step);
    try {
      this.#applier.remove(path, step.node);
      return "redone";
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      return this.#kept.add(step);
    }
  }

  #finishDirectory(step: Extract<Step, { kind: "mkdir" }>): Outcome {
    const stamp = this.#directories.find(step.path);
    if (stamp?.kind === "directory") {
      // It may have been made but not dressed yet; its owner comes with the mode.
      this.#applier.giveDirectory(step.path, step.node);
      this.#applier.setAttributes(step.path, { ...step.node, mode: step.node.mode | 0o700 }, false);
      return "already";
    }
    if (stamp !== undefined) return this.#kept.add(step);
    if (!this.#directories.hasParent(step.path)) return this.#kept.add(step);
    this.#applier.makeDirectory(step.path, step.node);
    return "redone";
  }

  #finishMove(step: MoveStep<NodeImage>): Outcome {
    const now = this.#moves.find(step);
    if (now === step.path) return "already";
    const stamp = this.#directories.find(step.path);
    const target = stamp === undefined ? undefined : this.#directories.locate(step.path);
    if (now === undefined) {
      if (stamp !== undefined && target !== undefined) {
        if (isImage(this.#store.disk, target, stamp, withoutIdentity(step.node))) return "already";
      }
      return this.#bringBack(step);
    }
    if (stamp !== undefined && target !== undefined) {
      if (!this.#evidence.isOld(target, stamp, step.replaced)) return this.#kept.add(step);
    }
    if (!this.#directories.hasParent(step.path)) return this.#kept.add(step);
    this.#applier.apply({ ...step, slot: now });
    return "redone";
  }

  /** The moved node is nowhere: a file or link is made again, a directory cannot be. */
  #bringBack(step: MoveStep<NodeImage>): Outcome {
    const { path, node, replaced } = step;
    if (node.kind === "directory" || (node.kind === "file" && node.oid === "")) {
      return this.#kept.add(step);
    }
    const staged = `${this.#record.staging}/lost-${this.#lost++}`;
    return this.#finishInstall({ kind: "install", path, staged, node, replaced, times: true });
  }

  #finishInstall(step: InstallStep<NodeImage, NodeImage>): Outcome {
    const { path, node, replaced } = step;
    assert(node.kind !== "directory", "only files and links are installed");
    if (!this.#directories.hasParent(path)) return this.#kept.add(step);
    const stamp = this.#directories.find(path);
    const place = this.#directories.locate(path);
    if (stamp !== undefined) {
      const isTrusted = !this.#options.distrust || isParted(stamp, node);
      if (isTrusted && isImage(this.#store.disk, place, stamp, node)) {
        this.#redress(path, stamp, node);
        this.#notePart(path, stamp, node);
        return "already";
      }
      const isOld = this.#evidence.isOld(place, stamp, replaced);
      const isOurs = this.#options.distrust && isImage(this.#store.disk, place, stamp, node);
      if (!isOld && !isOurs && !this.#evidence.isDebris(place, stamp, [node, replaced])) {
        return this.#kept.add(step);
      }
    }
    this.#restaging.ensure(node, step.staged, step.times, path);
    const staged = this.#directories.locate(step.staged);
    if (stamp === undefined || stamp.kind === "file") {
      this.#applier.dress(
        { ...step, replaced: stamp === undefined ? null : replaced },
        place,
        staged,
      );
    }
    this.#notePart(path, this.#directories.find(step.staged), node);
    // Over whatever it is: it has just been recognised. A place without anything takes it as well.
    this.#store.disk.rename(staged, place);
    return "redone";
  }

  #notePart(path: TreePath, stamp: Stamp | undefined, node: NodeImage): void {
    const isOther = node.names !== undefined && String(stamp?.ino) !== node.ino;
    if (isOther && this.#record.kind === "abort") this.#parted.push(path);
  }

  #finishLink(step: LinkStep<NodeImage, NodeImage>): Outcome {
    const { disk } = this.#store;
    const source = this.#directories.find(step.source);
    if (source === undefined || !this.#directories.hasParent(step.path))
      return this.#kept.add(step);
    const stamp = this.#directories.find(step.path);
    if (stamp !== undefined) {
      if (stamp.ino === source.ino) return "already";
      const place = this.#directories.locate(step.path);
      const isOurs = isImage(disk, place, stamp, step.node);
      const isOld = this.#evidence.isOld(place, stamp, step.replaced);
      if (!isOurs && !isOld && !this.#evidence.isDebris(place, stamp, [step.node, step.replaced])) {
        return this.#kept.add(step);
      }
    }
    const staged = this.#directories.locate(step.staged);
    if (disk.lstat(staged) !== undefined) disk.unlink(staged);
    disk.link(this.#directories.locate(step.source), staged);
    disk.rename(this.#directories.locate(step.staged), this.#directories.locate(step.path));
    return "redone";
  }

  #finishWrite(step: WriteStep<NodeImage, NodeImage>): Outcome {
    const { disk } = this.#store;
    const stamp = this.#directories.find(step.path);
    if (stamp === undefined) return this.#kept.add(step);
    const place = this.#directories.locate(step.path);
    if (!this.#options.distrust && isImage(disk, place, stamp, withoutIdentity(step.node))) {
      this.#applier.setAttributes(step.path, step.node, step.times);
      return "already";
    }
    const isOld = isImage(disk, place, stamp, step.replaced);
    const isOurs =
      this.#options.distrust && isImage(disk, place, stamp, withoutIdentity(step.node));
    if (!isOld && !isOurs && !this.#evidence.isHalfWritten(place, stamp, step))
      return this.#kept.add(step);
    assert(step.node.kind === "file", "only files are written");
    this.#restaging.ensure(step.node, step.staged, false, step.path);
    this.#applier.write(step);
    return "redone";
  }

  #finishAttributes(step: AttributesStep<NodeImage, NodeImage>): Outcome {
    const path = step.phase === "early" ? this.#moves.placeNow(step.path) : this.#reach(step.path);
    const stamp = this.#directories.find(path);
    if (stamp === undefined || stamp.kind !== step.after.kind) return "already";
    // It has moved on already, and another one has come to its old place.
    const { phase, before } = step;
    // Where inode numbers say nothing, none is recorded, and no directory moves.
    if (phase === "early" && before?.ino !== undefined && !isMovedNode(stamp, before))
      return "already";
    if (this.#kept.has(step.path)) return "already";
    // All that it is for: a later one gives the mode that is to stay.
    if (phase === "early" && (stamp.mode & 0o700) === 0o700) return "already";
    if (step.phase === "late" && hasAttributes(stamp, step.after, step.times)) return "already";
    // Neither what it was nor what it was to be: somebody else has set it.
    if (!isBetween(stamp, step.before, step.after)) return "already";
    this.#applier.apply({ ...step, path });
    return "redone";
  }

  /** A place of the new tree; or, when its directory has not arrived there yet, where it is now. */
  #reach(path: TreePath): TreePath {
    return this.#directories.find(path) === undefined ? this.#moves.placeNow(path) : path;
  }

  /** Mode and owner of a staged file can be lost with the power, its bytes being there. */
  #redress(path: TreePath, stamp: Stamp, node: FileImage | NodeImage): void {
    if (!this.#options.mayBeTorn || node.kind !== "file" || stamp.mode === node.mode) return;
    // Another mode than it was created with somebody has given it since.
    const created = node.stored === "blob" ? node.mode & 0o777 : 0o600;
    if (stamp.mode !== (created & ~this.#umask)) return;
    if (this.#evidence.isFromOperation(stamp, [node]))
      this.#applier.setAttributes(path, node, false);
  }
}
