import type { Stamp } from "../../disk/stamp.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { NodeImage, WriteStep } from "../plan/step.ts";
import { isImage, isTorn } from "../tree/recognise.ts";

/** What the content and the time of a place say about who has put there what lies there. */
export class Evidence {
  readonly #store: CommitStore;
  readonly #record: JournalRecord;
  readonly #mayBeTorn: boolean;

  /** @param mayBeTorn whether the power may have gone. */
  constructor(store: CommitStore, record: JournalRecord, mayBeTorn: boolean) {
    this.#store = store;
    this.#record = record;
    this.#mayBeTorn = mayBeTorn;
  }

  /** Whether a place holds what lay there before, and not what somebody has put back since. */
  isOld(place: string, stamp: Stamp, image: NodeImage | null): boolean {
    if (image === null || !isImage(this.#store.disk, place, stamp, image)) return false;
    return image.kind === "directory" || this.isFromOperation(stamp, [image]);
  }

  /** Even a process that is killed may leave a file half-written that is written in place. */
  isHalfWritten(place: string, stamp: Stamp, step: WriteStep<NodeImage, NodeImage>): boolean {
    const { node, replaced } = step;
    const versions = [node, replaced];
    if (versions.every((image) => image.kind !== "file" || image.stored === "blob")) {
      return isTorn(this.#store.disk, place, stamp, this.#bytesOf(versions));
    }
    // Of large content nobody has the bytes at hand: the inode tells. It is known of what lay there
    // first, which is what a step that takes another one back puts in place.
    const ino = String(stamp.ino);
    return stamp.kind === "file" && (replaced.ino === ino || node.ino === ino);
  }

  /** Whether a place holds what a power cut has made of one of the versions. */
  isDebris(place: string, stamp: Stamp, versions: readonly (NodeImage | null)[]): boolean {
    if (!this.#mayBeTorn || !this.isFromOperation(stamp, versions)) return false;
    return isTorn(this.#store.disk, place, stamp, this.#bytesOf(versions));
  }

  /**
   * Whether a file was last written before the record was in force, by the operation or even
   * earlier; or has a time that the operation gives, which may be any.
   */
  isFromOperation({ mtimeNs }: Stamp, versions: readonly (NodeImage | null)[]): boolean {
    const { createdMs, stagedByMs = createdMs } = this.#record;
    if (mtimeNs <= BigInt(stagedByMs + 1) * 1_000_000n) return true;
    return versions.some(
      (version) => version && BigInt(version.mtimeNs) / 1000n === mtimeNs / 1000n,
    );
  }

  #bytesOf(versions: readonly (NodeImage | null)[]): (Uint8Array | undefined)[] {
    const { objects } = this.#store;
    return versions.map((image) =>
      image?.kind === "file" && image.stored === "blob" ? objects.read(image.oid).bytes : undefined,
    );
  }
}
