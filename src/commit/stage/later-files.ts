import type { PackBuilder } from "../../objects/pack-builder.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { PackFile } from "../journal/pack-file.ts";
import { preparationFailure } from "../preparation-failure.ts";
import type { Purpose } from "../purpose.ts";
import type { Stager } from "./stage.ts";
import type { StagingPlace } from "./staging-place.ts";

interface Parts {
  readonly root: string;
  readonly purpose: Purpose;
  readonly staging: StagingPlace;
  readonly stager: Stager;
  readonly pack: PackBuilder;
  readonly packFile: PackFile;
}

/** What an operation creates only when it is decided: see `stagesLater`. */
export class LaterFiles {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param record of the operation, as it will be in force.
   * @throws {DraftError} `DRAFT_COMMIT_FAILED`
   */
  make(record: JournalRecord): void {
    const { root, purpose, staging, stager, pack } = this.#parts;
    try {
      staging.make();
      const failed = stager.createNoted(record);
      if (failed !== undefined) throw preparationFailure(failed.error, purpose, root, failed.path);
      pack.write();
    } catch (error) {
      throw preparationFailure(error, purpose, root);
    }
  }

  /** {@link LaterFiles.make} where nobody needs the file of the pack any more. */
  makeAndClose(record: JournalRecord): void {
    try {
      this.make(record);
    } finally {
      this.#parts.packFile[Symbol.dispose]();
    }
  }
}
