import type { TreePath } from "../../disk/tree-path.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { Aspect } from "../change-set/change-set.ts";

/**
 * What one operation did, as it is kept for good: `manifest.json` in the tree of its commit on
 * {@link operationsRef}. Git trees know neither times nor owners nor empty directories; this does.
 * JSON as it is: numbers beyond 2^53 are decimal strings, odd names are `\udcXX` escapes.
 */
export interface OperationManifest {
  readonly format: typeof manifestFormat;
  /** Sequence number of the journal record that carried the operation out; grows by commit. */
  readonly sequence: number;
  readonly operation: OperationKind;
  readonly message: string;
  /** Who asked for it, as `Name <address>`. */
  readonly author: string;
  /** The command line that led to it, when there was one. */
  readonly command: readonly string[] | null;
  /** The commands that made the changes, oldest first; absent when none did. */
  readonly commands?: readonly ManifestCommand[];
  /** The saved draft that was committed: after a crash its next open knows that it is spent. */
  readonly draft?: DraftReference;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
  /** The operation commits that this one takes back, brings back or restores; newest first. */
  readonly concerns: readonly ObjectId[];
  /** After-state of the whole operation: the commit that {@link mainRef} was set to. */
  readonly main: ObjectId;
  /** In tree order, as in the change set. */
  readonly changes: readonly ManifestChange[];
}

/** A command that ran over the overlay, and what it has to do with an operation. */
export interface ManifestCommand {
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  readonly elapsedMs: number;
  readonly exitCode: number;
  /** The changes of the operation whose paths it was the last to touch. */
  readonly paths: readonly TreePath[];
}

/** One saved state of a draft; see `src/drafts`. */
export interface DraftReference {
  readonly name: string;
  /** Random, new with every save of the draft. */
  readonly token: string;
}

export const manifestFormat = "draftfs operation 1";

/** The chain of after-states. */
export const mainRef = "refs/heads/main";

/**
 * The operation log. The tree of each commit holds `manifest.json`, and in `before/` and `after/`
 * everything ever touched as it was before and after the operation: they differ by what it did.
 */
export const operationsRef = "refs/draftfs/operations";

export type OperationKind = "commit" | "undo" | "redo" | "restore";

export type ManifestChange =
  | { readonly kind: "create"; readonly path: TreePath; readonly after: ManifestAfter }
  | {
      readonly kind: "modify";
      readonly path: TreePath;
      readonly before: ManifestNode;
      readonly after: ManifestAfter;
      readonly aspects: readonly Aspect[];
    }
  | {
      readonly kind: "delete";
      readonly path: TreePath;
      /** As in the change set. */
      readonly place?: TreePath;
      readonly before: ManifestNode;
    }
  | {
      readonly kind: "rename";
      readonly path: TreePath;
      readonly from: TreePath;
      readonly before: ManifestNode;
      readonly after: ManifestAfter;
      readonly aspects: readonly Aspect[];
      readonly replaced: ManifestNode | null;
    };

/** What lay, or now lies, at a path. */
export type ManifestNode = ManifestFile | ManifestDirectory | ManifestSymlink;

/** A node after the operation; names of one hard-link group carry the same number. */
export type ManifestAfter = ManifestNode & {
  readonly timesSet: boolean;
  readonly linkGroup?: number;
  /**
   * A file that lay there, or that was to move there, gave way to one with several names: that is
   * another one, and its other names have nothing to do with the bytes that were replaced here.
   */
  readonly isOtherFile?: true;
};

interface ManifestMeta {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since the epoch, in decimal. */
  readonly mtimeNs: string;
}

export interface ManifestFile extends ManifestMeta {
  readonly kind: "file";
  readonly size: number;
  /** Git's blob id of the bytes. */
  readonly oid: ObjectId;
  /**
   * `blob`: the store has the bytes. `large`: beyond `packedContentBytesMax`; the git trees hold a
   * pointer (see `large-content.ts`), the bytes lie in the tree or, as a pre-image, in `large/`.
   * `unread`: a file moved or given other attributes as it is, large or not to be read by this
   * user; its bytes were never read and are not kept.
   */
  readonly stored: "blob" | "large" | "unread";
}

export interface ManifestDirectory extends ManifestMeta {
  readonly kind: "directory";
}

export interface ManifestSymlink extends ManifestMeta {
  readonly kind: "symlink";
  readonly target: string;
}
