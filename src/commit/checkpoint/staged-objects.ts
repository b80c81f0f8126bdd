import type { ObjectStore } from "../../objects/object-store.ts";
import type { PackSummary } from "../../objects/pack-builder.ts";
import type { StagedFile } from "../../objects/staged-file.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { Allocator } from "../stage/allocator.ts";

/**
 * The pack index and the refs of an operation, written beside their places while the disk is waited
 * for: publishing them takes renames alone. Nothing of it counts before, and a crash leaves files
 * that whoever publishes the operation puts in place or writes anew.
 */
export class StagedObjects {
  #index: StagedFile | undefined;
  readonly #refs = new Map<string, StagedFile>();

  /** Stages what it can: what it cannot is written, or fails, when it is published. */
  stage(
    objects: ObjectStore,
    { refs }: JournalRecord,
    summary: PackSummary,
    allocator: Pick<Allocator, "allocation">,
  ): void {
    try {
      this.#index = objects.stageIndex(summary);
      for (const { name, after } of refs) {
        if (after !== null)
          this.#refs.set(name, objects.stageRef(name, after, allocator.allocation));
      }
    } catch {
      // Publishing meets the same error, and reports it.
    }
  }

  /** The index, for whoever puts it in place. */
  takeIndex(): StagedFile | undefined {
    const index = this.#index;
    this.#index = undefined;
    return index;
  }

  /** The new value of a ref, for whoever puts it in place. */
  takeRef(name: string): StagedFile | undefined {
    const ref = this.#refs.get(name);
    this.#refs.delete(name);
    return ref;
  }

  /** Removes what nobody has taken. */
  discard(): void {
    const left = [this.takeIndex(), ...[...this.#refs.keys()].map((name) => this.takeRef(name))];
    for (const file of left) {
      try {
        file?.discard();
      } catch {
        // It counts for nothing, and the next operation writes over it.
      }
    }
  }
}
