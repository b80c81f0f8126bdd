import type { TreePath } from "../../disk/tree-path.ts";
import type { ManifestDirectory, ManifestFile, ManifestSymlink } from "../checkpoint/manifest.ts";

/**
 * The steps that change the tree, in the order in which they are carried out:
 *
 *   1. early attributes   a directory that gains permissions gets them before its children need
 *   them
 *   2. park, remove       nodes that move and are in the way of others go to a slot, others vanish:
 *                         children before parents
 *   3. attach             mkdir, move, install, link: parents before children; then
 *                         write, and link to what was written
 *   4. late attributes    modes, owners and times that the steps before would disturb
 *
 * Paths of phases 1 and 2 name places of the *old* tree, those of 3 and 4 places of the *new* one.
 * They differ below a renamed directory only.
 *
 * `Old` and `New` say how a node of the old and the new tree is described: by the change set's
 * `Before` and `After` in a plan, by a {@link NodeImage} in the journal record.
 */
export type StepOf<Old, New> =
  | ParkStep<Old>
  | RemoveStep<Old>
  | MakeDirectoryStep<New>
  | MoveStep<Old>
  | InstallStep<Old, New>
  | LinkStep<Old, New>
  | WriteStep<Old, New>
  | AttributesStep<Old, New>;

/** A step as the journal record holds it: plain JSON. */
export type Step = StepOf<NodeImage, NodeImage>;

/**
 * A node as the record describes it: enough to recognise it and, with the pack, to make it again.
 * The inode number is known for what lay on the disk before; device numbers change across boots.
 */
export type NodeImage = FileImage | DirectoryImage | SymlinkImage;

/** By which file it is. */
export interface Identity {
  readonly ino?: string;
  /** How many names the file had, where it had more than one. */
  readonly names?: number;
}

export interface FileImage extends ManifestFile, Identity {}
export interface DirectoryImage extends ManifestDirectory, Identity {
  /** Extended attributes to make it anew with, in base64: those of the one that it stands for. */
  readonly attributes?: Readonly<Record<string, string>>;
}
export interface SymlinkImage extends ManifestSymlink, Identity {}

/** A place outside the visible tree where a node waits, relative to the root. */
export type Slot = TreePath;

/** rename(path, slot). The node goes on to `finally` in a {@link MoveStep}. */
export interface ParkStep<Old> {
  readonly kind: "park";
  readonly path: TreePath;
  readonly slot: Slot;
  readonly finally: TreePath;
  readonly node: Old;
}

/** unlink or rmdir. */
export interface RemoveStep<Old> {
  readonly kind: "remove";
  readonly path: TreePath;
  readonly node: Old;
}

export interface MakeDirectoryStep<New> {
  readonly kind: "mkdir";
  readonly path: TreePath;
  readonly node: New;
}

/** rename(slot ?? from, path), over `replaced` when that is a file or link. */
export interface MoveStep<Old> {
  readonly kind: "move";
  readonly path: TreePath;
  /** Its place in the old tree. */
  readonly from: TreePath;
  readonly slot: Slot | null;
  readonly node: Old;
  readonly replaced: Old | null;
}

/** link(staged, path) where nothing lay, rename(staged, path) over what did. */
export interface InstallStep<Old, New> {
  readonly kind: "install";
  readonly path: TreePath;
  readonly staged: Slot;
  readonly node: New;
  readonly replaced: Old | null;
  /** Whether the times of `node` were asked for; otherwise the time of writing stands. */
  readonly times: boolean;
}

/** One more name for a file that lies at `source` in the new tree by then. */
export interface LinkStep<Old, New> {
  readonly kind: "link";
  readonly path: TreePath;
  readonly source: TreePath;
  /** Takes the new name first when something is to be replaced, which link cannot do. */
  readonly staged: Slot;
  readonly node: New;
  readonly replaced: Old | null;
}

/** New bytes into the same inode, because other names of it must keep seeing what this one sees. */
export interface WriteStep<Old, New> {
  readonly kind: "write";
  readonly path: TreePath;
  readonly staged: Slot;
  readonly node: New;
  readonly replaced: Old;
  readonly times: boolean;
}

/** chmod, chown and, where `times` is set, utimes. */
export interface AttributesStep<Old, New> {
  readonly kind: "attributes";
  readonly path: TreePath;
  readonly phase: "early" | "late";
  /** What it was; `null` for a directory that this very operation made. */
  readonly before: Old | null;
  readonly after: New;
  readonly times: boolean;
}

/** How the parts of a step translate in {@link mapStep}. */
export interface StepMapping<Old, New, ToOld, ToNew> {
  readonly old: (node: Old) => ToOld;
  readonly new: (node: New, step: StepOf<Old, New>) => ToNew;
  readonly slot: (slot: Slot) => Slot;
}

/** The same step with its nodes and slots described in another way. */
export function mapStep<Old, New, ToOld, ToNew>(
  step: StepOf<Old, New>,
  to: StepMapping<Old, New, ToOld, ToNew>,
): StepOf<ToOld, ToNew> {
  const maybe = (node: Old | null): ToOld | null => (node === null ? null : to.old(node));
  switch (step.kind) {
    case "park":
      return { ...step, slot: to.slot(step.slot), node: to.old(step.node) };
    case "remove":
      return { ...step, node: to.old(step.node) };
    case "mkdir":
      return { ...step, node: to.new(step.node, step) };
    case "move": {
      const slot = step.slot === null ? null : to.slot(step.slot);
      return { ...step, slot, node: to.old(step.node), replaced: maybe(step.replaced) };
    }
    case "install":
    case "link": {
      const node = to.new(step.node, step);
      return { ...step, staged: to.slot(step.staged), node, replaced: maybe(step.replaced) };
    }
    case "write": {
      const node = to.new(step.node, step);
      return { ...step, staged: to.slot(step.staged), node, replaced: to.old(step.replaced) };
    }
    case "attributes":
      return { ...step, before: maybe(step.before), after: to.new(step.after, step) };
  }
}
