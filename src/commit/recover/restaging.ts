import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import { copyFile, linkOrCopy } from "../../objects/link-or-copy.ts";
import type { Applier } from "../apply/apply.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { FileImage, SymlinkImage } from "../plan/step.ts";
import { largePathOf } from "../stage/keep-large.ts";
import { Stager } from "../stage/stage.ts";
import type { Directories } from "../tree/directories.ts";
import { isImage, isParted, withoutIdentity } from "../tree/recognise.ts";

/** Stages again what a crash has lost of the staged files, from the store and from what is kept. */
export class Restaging {
  readonly #store: CommitStore;
  readonly #directories: Directories;
  readonly #record: JournalRecord;
  readonly #applier: Applier;
  readonly #stager: Stager;
  readonly #distrust: boolean;

  /** @param distrust whether the disk failed to write what is staged: all of it is written anew. */
  constructor(
    store: CommitStore,
    directories: Directories,
    record: JournalRecord,
    applier: Applier,
    distrust: boolean,
  ) {
    this.#store = store;
    this.#directories = directories;
    this.#record = record;
    this.#applier = applier;
    this.#stager = new Stager(store.disk, directories);
    this.#distrust = distrust;
  }

  /**
   * Makes sure that the staged file is there, and is whole.
   *
   * @param path where it is to go: what lies there already may be its only copy.
   * @throws {DraftError} `DRAFT_STORE_CORRUPT` when its bytes are nowhere.
   */
  ensure(node: FileImage | SymlinkImage, staged: TreePath, times: boolean, path: TreePath): void {
    const { disk, objects } = this.#store;
    const stamp = this.#directories.find(staged);
    const isOldFile = stamp !== undefined && isParted(stamp, node);
    if (isOldFile && isImage(disk, this.#directories.locate(staged), stamp, node)) return;
    if (node.kind === "file" && node.stored !== "blob") {
      this.#ensureLarge(node, staged, times, path);
      return;
    }
    if (stamp !== undefined) {
      const place = this.#directories.locate(staged);
      if (!this.#distrust && isImage(disk, place, stamp, withoutIdentity(node))) return;
      disk.unlink(place);
    }
    if (node.kind === "symlink") {
      this.#stager.stageLink({ path, slot: staged, image: node, times: true });
      return;
    }
    // Older than the record in any case, so that a crash in here is recognised like one before.
    const mtimeNs = times ? node.mtimeNs : String(BigInt(this.#record.createdMs) * 1_000_000n);
    const image = { ...node, mtimeNs };
    const { bytes } = objects.read(node.oid);
    this.#stager.stageBytes(bytes, { path, slot: staged, image, times: true });
  }

  /** Content that no pack holds: staged as yet, kept from being replaced, or in place already. */
  #ensureLarge(node: FileImage, staged: TreePath, times: boolean, path: TreePath): void {
    const { disk, state } = this.#store;
    const place = this.#directories.locate(staged);
    const kept = absoluteOf(state.root, largePathOf(node.oid));
    const installed = this.#directories.hasParent(path) ? [this.#directories.locate(path)] : [];
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
    if (source === place && !this.#distrust) return;
    if (this.#distrust) {
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
}
