import { openFlags } from "../disk/open-flags.ts";
import type { Stamp } from "../disk/stamp.ts";
import { absoluteOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import { assert, DraftError } from "../errors.ts";
import { ensureDirectory } from "../objects/bare-repository.ts";
import { linkOrCopy } from "../objects/link-or-copy.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { Applier } from "./apply.ts";
import type { CommitStore } from "./commit-store.ts";
import { Directories, isAbsentDirectory } from "./directories.ts";
import type { JournalRecord } from "./journal-record.ts";
import { largePathOf } from "./keep-large.ts";
import { Moves } from "./moves.ts";
import { isImage, isTorn } from "./recognise.ts";
import { Stager } from "./stage.ts";
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
} from "./step.ts";

/** A place that holds what somebody else put there after the crash: it was left as it is. */
export interface KeptPlace {
  readonly path: TreePath;
  /** What the record would have done there. */
  readonly step: Step["kind"];
  /** Where the content that the operation wanted there was saved, relative to the root. */
  readonly savedAs: TreePath | null;
}

/** What {@link finishSteps} did. */
export interface FinishReport {
  /** Steps that had to be carried out. */
  readonly redone: number;
  /** Steps that had been carried out before. */
  readonly already: number;
  readonly kept: readonly KeptPlace[];
}

type Outcome = "redone" | "already" | "kept";

export interface FinishOptions {
  /** The power may have gone: files may be empty or torn that were whole. */
  readonly mayBeTorn: boolean;
  /** The disk failed to write what lies there: all of it is written anew, into new inodes. */
  readonly distrust: boolean;
}

/**
 * Carries out what is left of a record, whatever a crash left done, in whatever order it got to the
 * disk. Idempotent, and may itself be interrupted anywhere.
 *
 * I5: a step is carried out only where its place holds what lay there before, what shall lie there,
 * or what a power cut makes of the two. Anything else was put there since: it stays, what the
 * operation wanted is saved under `conflicts/`, and the place is reported.
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
  readonly #stager: Stager;
  readonly #moves: Moves;
  /** What the operation puts at places of the new tree. */
  readonly #wanted = new Map<TreePath, NodeImage>();
  readonly #kept: KeptPlace[] = [];
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
    this.#stager = new Stager(store.disk, directories);
    this.#moves = new Moves(store.disk, directories, record.steps);
    for (const step of record.steps) {
      if (step.kind === "attributes" || step.kind === "remove" || step.kind === "park") continue;
      this.#wanted.set(step.path, step.node);
    }
  }

  run(): FinishReport {
    ensureDirectory(this.#store.disk, absoluteOf(this.#store.state.root, this.#record.staging));
    let [redone, already] = [0, 0];
    for (const step of this.#record.steps) {
      const outcome = this.#finish(step);
      if (outcome === "redone") redone += 1;
      if (outcome === "already") already += 1;
    }
    return { redone, already, kept: this.#kept };
  }

  #finish(step: Step): Outcome {
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
    const stamp = this.#stampOf(path);
    if (stamp === undefined) return "already";
    const place = this.#directories.locate(path);
    const wanted = this.#wanted.get(path);
    if (wanted !== undefined && isImage(this.#store.disk, place, stamp, wanted)) {
      const isOld = step.node.ino !== undefined && step.node.ino === String(stamp.ino);
      if (!isOld || stamp.kind !== step.node.kind) return "already";
    }
    const isOld =
      isImage(this.#store.disk, place, stamp, step.node) ||
      this.#isDebris(place, stamp, [step.node]);
    if (!isOld) return this.#keep(step);
    try {
      this.#applier.remove(path, step.node);
      return "redone";
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      return this.#keep(step);
    }
  }

  #finishDirectory(step: Extract<Step, { kind: "mkdir" }>): Outcome {
    const stamp = this.#stampOf(step.path);
    if (stamp?.kind === "directory") {
      // It may have been made but not dressed yet; its owner comes with the mode.
      this.#applier.setAttributes(step.path, { ...step.node, mode: step.node.mode | 0o700 }, false);
      return "already";
    }
    if (stamp !== undefined) return this.#keep(step);
    if (!this.#hasParent(step.path)) return this.#keep(step);
    this.#applier.makeDirectory(step.path, step.node);
    return "redone";
  }

  #finishMove(step: MoveStep<NodeImage>): Outcome {
    const now = this.#moves.find(step);
    if (now === step.path) return "already";
    const stamp = this.#stampOf(step.path);
    const target = stamp === undefined ? undefined : this.#directories.locate(step.path);
    if (now === undefined) {
      if (stamp !== undefined && target !== undefined) {
        if (isImage(this.#store.disk, target, stamp, withoutIdentity(step.node))) return "already";
      }
      return this.#bringBack(step);
    }
    if (stamp !== undefined && target !== undefined) {
      const isOld =
        step.replaced !== null && isImage(this.#store.disk, target, stamp, step.replaced);
      if (!isOld) return this.#keep(step);
    }
    if (!this.#hasParent(step.path)) return this.#keep(step);
    this.#applier.apply({ ...step, slot: now });
    return "redone";
  }

  /** The moved node is nowhere: a file or link is made again, a directory cannot be. */
  #bringBack(step: MoveStep<NodeImage>): Outcome {
    const { path, node, replaced } = step;
    if (node.kind === "directory" || (node.kind === "file" && node.oid === "")) {
      return this.#keep(step);
    }
    const staged = `${this.#record.staging}/lost-${this.#lost++}`;
    return this.#finishInstall({ kind: "install", path, staged, node, replaced, times: true });
  }

  #finishInstall(step: InstallStep<NodeImage, NodeImage>): Outcome {
    const { path, node, replaced } = step;
    assert(node.kind !== "directory", "only files and links are installed");
    if (!this.#hasParent(path)) return this.#keep(step);
    const stamp = this.#stampOf(path);
    const place = this.#directories.locate(path);
    if (stamp !== undefined) {
      if (!this.#options.distrust && isImage(this.#store.disk, place, stamp, node)) {
        this.#redress(path, stamp, node);
        return "already";
      }
      const isOld = replaced !== null && isImage(this.#store.disk, place, stamp, replaced);
      const isOurs = this.#options.distrust && isImage(this.#store.disk, place, stamp, node);
      if (!isOld && !isOurs && !this.#isDebris(place, stamp, [node, replaced])) {
        return this.#keep(step);
      }
    }
    this.#ensureStaged(node, step.staged, step.times);
    // Over whatever it is: it has just been recognised. A place without anything takes it as well.
    this.#store.disk.rename(this.#directories.locate(step.staged), place);
    return "redone";
  }

  #finishLink(step: LinkStep<NodeImage, NodeImage>): Outcome {
    const { disk } = this.#store;
    const source = this.#stampOf(step.source);
    if (source === undefined || !this.#hasParent(step.path)) return this.#keep(step);
    const stamp = this.#stampOf(step.path);
    if (stamp !== undefined) {
      if (stamp.ino === source.ino) return "already";
      const place = this.#directories.locate(step.path);
      const isOurs = isImage(disk, place, stamp, step.node);
      const isOld = step.replaced !== null && isImage(disk, place, stamp, step.replaced);
      if (!isOurs && !isOld && !this.#isDebris(place, stamp, [step.node, step.replaced])) {
        return this.#keep(step);
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
    const stamp = this.#stampOf(step.path);
    if (stamp === undefined) return this.#keep(step);
    const place = this.#directories.locate(step.path);
    if (!this.#options.distrust && isImage(disk, place, stamp, withoutIdentity(step.node))) {
      this.#applier.setAttributes(step.path, step.node, step.times);
      return "already";
    }
    const isOld = isImage(disk, place, stamp, step.replaced);
    // Even a process that is killed may leave this one half-written.
    if (!isOld && !isTorn(disk, place, stamp, this.#bytesOf([step.node, step.replaced]))) {
      return this.#keep(step);
    }
    assert(step.node.kind === "file", "only files are written");
    this.#ensureStaged(step.node, step.staged, false);
    this.#applier.write(step);
    return "redone";
  }

  #finishAttributes(step: AttributesStep<NodeImage, NodeImage>): Outcome {
    const path = step.phase === "early" ? this.#moves.placeNow(step.path) : this.#reach(step.path);
    const stamp = this.#stampOf(path);
    if (stamp === undefined || stamp.kind !== step.after.kind) return "already";
    if (this.#kept.some((kept) => kept.path === step.path)) return "already";
    this.#applier.apply({ ...step, path });
    return "redone";
  }

  /** A place of the new tree; or, when its directory has not arrived there yet, where it is now. */
  #reach(path: TreePath): TreePath {
    return this.#stampOf(path) === undefined ? this.#moves.placeNow(path) : path;
  }

  /** Mode and owner of a staged file can be lost with the power, its bytes being there. */
  #redress(path: TreePath, stamp: Stamp, node: FileImage | NodeImage): void {
    if (!this.#options.mayBeTorn || node.kind !== "file" || stamp.mode === node.mode) return;
    if (this.#isFromOperation(stamp, [node])) this.#applier.setAttributes(path, node, false);
  }

  #isDebris(place: string, stamp: Stamp, versions: readonly (NodeImage | null)[]): boolean {
    if (!this.#options.mayBeTorn || !this.#isFromOperation(stamp, versions)) return false;
    return isTorn(this.#store.disk, place, stamp, this.#bytesOf(versions));
  }

  /**
   * Whether a file was last written before the record was in force, by the operation or even
   * earlier; or has a time that the operation gives, which may be any.
   */
  #isFromOperation({ mtimeNs }: Stamp, versions: readonly (NodeImage | null)[]): boolean {
    const { createdMs, stagedByMs = createdMs } = this.#record;
    if (mtimeNs <= BigInt(stagedByMs + 1) * 1_000_000n) return true;
    return versions.some(
      (version) => version && BigInt(version.mtimeNs) / 1000n === mtimeNs / 1000n,
    );
  }

  #bytesOf(versions: readonly (NodeImage | null)[]): (Uint8Array | undefined)[] {
    return versions.map((image) =>
      image?.kind === "file" && image.stored === "blob" ? this.#readBlob(image.oid) : undefined,
    );
  }

  #readBlob(oid: ObjectId): Buffer {
    return this.#store.objects.read(oid).bytes;
  }

  /** Makes sure that the staged file is there, and is whole. */
  #ensureStaged(
    node: FileImage | Extract<NodeImage, { kind: "symlink" }>,
    staged: TreePath,
    times: boolean,
  ): void {
    const { disk } = this.#store;
    const stamp = this.#stampOf(staged);
    if (stamp !== undefined) {
      const place = this.#directories.locate(staged);
      if (!this.#options.distrust && isImage(disk, place, stamp, withoutIdentity(node))) return;
      disk.unlink(place);
    }
    if (node.kind === "symlink") {
      this.#stager.stageLink(node, staged);
      return;
    }
    if (node.stored === "blob") {
      // Older than the record in any case, so that a crash in here is recognised like one before.
      const mtimeNs = times ? node.mtimeNs : String(BigInt(this.#record.createdMs) * 1_000_000n);
      this.#stager.stageBytes(this.#readBlob(node.oid), { ...node, mtimeNs }, staged, true);
      return;
    }
    const large = absoluteOf(this.#store.state.root, largePathOf(node.oid));
    const kept = disk.lstat(large);
    if (kept === undefined || !isImage(disk, large, kept, withoutIdentity(node))) {
      throw new DraftError(
        "DRAFT_STORE_CORRUPT",
        `Cannot put ${staged} in place: its ${node.size} bytes are neither staged nor kept as ` +
          `${large}.`,
        { path: large },
      );
    }
    linkOrCopy(disk, large, this.#directories.locate(staged));
  }

  #keep(step: Step): Outcome {
    const { disk, state } = this.#store;
    const node = step.kind === "attributes" ? step.after : step.node;
    let savedAs: TreePath | null = null;
    const isNew = step.kind === "install" || step.kind === "write" || step.kind === "link";
    if (isNew && node.kind === "file" && node.stored === "blob") {
      const place = `${state.conflicts}/${this.#record.sequence}/${step.path}`;
      ensureDirectory(disk, parentOf(place));
      const descriptor = disk.open(place, openFlags.createOrTruncate, node.mode & 0o777);
      try {
        disk.write(descriptor, this.#readBlob(node.oid));
      } finally {
        disk.close(descriptor);
      }
      savedAs = place.slice(state.root.length + 1);
    }
    this.#kept.push({ path: step.path, step: step.kind, savedAs });
    return "kept";
  }

  #stampOf(path: TreePath): Stamp | undefined {
    try {
      return this.#store.disk.lstat(this.#directories.locate(path));
    } catch (error) {
      if (isAbsentDirectory(error)) return undefined;
      throw error;
    }
  }

  #hasParent(path: TreePath): boolean {
    return this.#directories.hasParent(path);
  }
}

/** A node that is to be recognised by its content alone: it was made after the record. */
function withoutIdentity(node: NodeImage): NodeImage {
  const { ino: _, ...rest } = node;
  return rest;
}
