import type { ObjectId } from "../objects/object-id.ts";
import type { DraftReference, ManifestCommand, OperationKind } from "./checkpoint/manifest.ts";
import type { CheckLevel, CheckPart } from "./checks/check-finding.ts";
import type { CommitProgress, Durability } from "./receipt.ts";

/** What every commit can be told; all of it optional. */
export interface CommitOptions {
  /** `durable` by default. */
  readonly durability?: Durability;
  /** What is looked at before and after writing; `normal` by default. */
  readonly checks?: CheckLevel;
  /** Parts of that level to leave out; none by default. */
  readonly skippedChecks?: readonly CheckPart[];
  readonly message?: string;
  /** `Name <address>`; `draftfs <>` by default. */
  readonly author?: string;
  /** The command line that led to the changes; by default the only one of `commands`. */
  readonly command?: readonly string[];
  /** The commands that made the changes, oldest first. */
  readonly commands?: readonly ManifestCommand[];
  /** What is carried out; a plan file that is applied is recorded as a commit. */
  readonly operation?: OperationKind | "apply";
  /** The operations that this one undoes, redoes or restores, newest first. */
  readonly concerns?: readonly ObjectId[];
  /** The saved draft that is being committed. */
  readonly draft?: DraftReference;
  /** How long to wait for another committer, in milliseconds. 10 s by default. */
  readonly lockWaitMs?: number;
  /** Stops the commit as long as nothing has changed; later it is finished. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CommitProgress) => void;
}
