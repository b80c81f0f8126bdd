import type { Stamp } from "../disk/stamp.ts";
import { absoluteOf, type TreePath } from "../disk/tree-path.ts";
import { assert, DraftError, isDraftError } from "../errors.ts";
import { ensureDirectory } from "../objects/bare-repository.ts";
import { copyFile, linkOrCopy } from "../objects/link-or-copy.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { Applier } from "./apply.ts";
import type { CommitStore } from "./commit-store.ts";
import { Directories, isAbsentDirectory } from "./directories.ts";
import type { JournalRecord } from "./journal-record.ts";
import { largePathOf } from "./keep-large.ts";
import { Moves } from "./moves.ts";
import { currentCreator } from "./owner.ts";
import { hasAttributes, isBetween, isImage, isTorn } from "./recognise.ts";
import { setAside } from "./set-aside.ts";
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
  SymlinkImage,
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
  readonly #stager: Stager;
  readonly #moves: Moves;
  /** What the operation puts at places of the new tree. */
  readonly #wanted = new Map<TreePath, NodeImage>();
  readonly #kept: KeptPlace[] = [];
  readonly #umask = currentCreator().umask;
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
    const stamp = this.#stampOf(path);
    if (stamp === undefined) return "already";
    const place = this.#directories.locate(path);
    const wanted = this.#wanted.get(path);
    if (wanted !== undefined && isImage(this.#store.disk, place, stamp, wanted)) {
      const isOld = step.node.ino !== undefined && step.node.ino === String(stamp.ino);
      if (!isOld || stamp.kind !== step.node.kind) return "already";
    }
    const isOld = this.#isOld(place, stamp, step.node) || this.#isDebris(place, stamp, [step.node]);
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
      if (!this.#isOld(target, stamp, step.replaced)) return this.#keep(step);
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
      const isOld = this.#isOld(place, stamp, replaced);
      const isOurs = this.#options.distrust && isImage(this.#store.disk, place, stamp, node);
      if (!isOld && !isOurs && !this.#isDebris(place, stamp, [node, replaced])) {
        return this.#keep(step);
      }
    }
    this.#ensureStaged(node, step.staged, step.times, path);
    const staged = this.#directories.locate(step.staged);
    if (stamp === undefined || stamp.kind === "file") {
      this.#applier.dress(
        { ...step, replaced: stamp === undefined ? null : replaced },
        place,
        staged,
      );
    }
    // Over whatever it is: it has just been recognised. A place without anything takes it as well.
    this.#store.disk.rename(staged, place);
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
      const isOld = this.#isOld(place, stamp, step.replaced);
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
    const isOurs =
      this.#options.distrust && isImage(disk, place, stamp, withoutIdentity(step.node));
    if (!isOld && !isOurs && !this.#isHalfWritten(place, stamp, step)) return this.#keep(step);
    assert(step.node.kind === "file", "only files are written");
    this.#ensureStaged(step.node, step.staged, false, step.path);
    this.#applier.write(step);
    return "redone";
  }

  #finishAttributes(step: AttributesStep<NodeImage, NodeImage>): Outcome {
    const path = step.phase === "early" ? this.#moves.placeNow(step.path) : this.#reach(step.path);
    const stamp = this.#stampOf(path);
    if (stamp === undefined || stamp.kind !== step.after.kind) return "already";
    if (this.#kept.some((kept) => kept.path === step.path)) return "already";
    if (step.phase === "late" && hasAttributes(stamp, step.after, step.times)) return "already";
    // Neither what it was nor what it was to be: somebody else has set it.
    if (!isBetween(stamp, step.before, step.after)) return "already";
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
    // Another mode than it was created with somebody has given it since.
    const created = node.stored === "blob" ? node.mode & 0o777 : 0o600;
    if (stamp.mode !== (created & ~this.#umask)) return;
    if (this.#isFromOperation(stamp, [node])) this.#applier.setAttributes(path, node, false);
  }

  /** Whether a place holds what lay there before, and not what somebody has put back since. */
  #isOld(place: string, stamp: Stamp, image: NodeImage | null): boolean {
    if (image === null || !isImage(this.#store.disk, place, stamp, image)) return false;
    return image.kind === "directory" || this.#isFromOperation(stamp, [image]);
  }

  /** Even a process that is killed may leave a file half-written that is written in place. */
  #isHalfWritten(place: string, stamp: Stamp, step: WriteStep<NodeImage, NodeImage>): boolean {
    const { node, replaced } = step;
    const versions = [node, replaced];
    if (versions.every((image) => image.kind !== "file" || image.stored === "blob")) {
      return isTorn(this.#store.disk, place, stamp, this.#bytesOf(versions));
    }
    // Of large content nobody has the bytes at hand: the inode tells.
    return stamp.kind === "file" && replaced.ino === String(stamp.ino);
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

  /**
   * Makes sure that the staged file is there, and is whole.
   *
   * @param path where it is to go: what lies there already may be its only copy.
   */
  #ensureStaged(
    node: FileImage | SymlinkImage,
    staged: TreePath,
    times: boolean,
    path: TreePath,
  ): void {
    const { disk } = this.#store;
    if (node.kind === "file" && node.stored !== "blob") {
      this.#ensureLarge(node, staged, times, path);
      return;
    }
    const stamp = this.#stampOf(staged);
    if (stamp !== undefined) {
      const place = this.#directories.locate(staged);
      if (!this.#options.distrust && isImage(disk, place, stamp, withoutIdentity(node))) return;
      disk.unlink(place);
    }
    if (node.kind === "symlink") {
      this.#stager.stageLink({ path, slot: staged, image: node, times: true });
      return;
    }
    // Older than the record in any case, so that a crash in here is recognised like one before.
    const mtimeNs = times ? node.mtimeNs : String(BigInt(this.#record.createdMs) * 1_000_000n);
    const image = { ...node, mtimeNs };
    this.#stager.stageBytes(this.#readBlob(node.oid), { path, slot: staged, image, times: true });
  }

  /** Content that no pack holds: staged as yet, kept from being replaced, or in place already. */
  #ensureLarge(node: FileImage, staged: TreePath, times: boolean, path: TreePath): void {
    const { disk, state } = this.#store;
    const place = this.#directories.locate(staged);
    const kept = absoluteOf(state.root, largePathOf(node.oid));
    const installed = this.#hasParent(path) ? [this.#directories.locate(path)] : [];
    const source = [place, kept, ...installed].find((candidate) => {
      const stamp = disk.lstat(candidate);
      return stamp !== undefined && isImage(disk, candidate, stamp, withoutIdentity(node));
    });
    if (source === undefined) {
      throw new DraftError(
        "DRAFT_STORE_CORRUPT",
        `Cannot put ${staged} in place: its ${node.size} bytes are neither staged nor kept as ` +
          `${kept}.`,
        { path: kept },
      );
    }
    if (source === place && !this.#options.distrust) return;
    if (this.#options.distrust) {
      // I6: what the disk could not write is not synced again but written anew.
      const next = `${place}.new`;
      if (disk.lstat(next) !== undefined) disk.unlink(next);
      copyFile(disk, source, next);
      disk.rename(next, place);
    } else {
      linkOrCopy(disk, source, place);
    }
    this.#applier.setAttributes(staged, node, times);
  }

  #keep(step: Step): Outcome {
    this.#kept.push({ path: step.path, step: step.kind, savedAs: this.#save(step) });
    return "kept";
  }

  /** Saves what has no other place any more once the staging place is removed. */
  #save(step: Step): TreePath | null {
    const { disk, state } = this.#store;
    const saved = (source: TreePath): TreePath => {
      const place = this.#directories.locate(source);
      const target = setAside(disk, state, this.#record.sequence, step.path, place);
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
          this.#ensureStaged(step.node, step.staged, step.kind !== "link" && step.times, step.path);
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
