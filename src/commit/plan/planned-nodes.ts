import type { Stamp } from "../../disk/stamp.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { assert } from "../../errors.ts";
import type {
  After,
  Before,
  Change,
  ModifyChange,
  RenameChange,
} from "../change-set/change-set.ts";
import type { ContentIndex } from "../change-set/content-index.ts";
import type { ManifestChange } from "../checkpoint/manifest.ts";
import type { RootLock } from "../lock/lock.ts";
import { encodeAttributes } from "../tree/carry-attributes.ts";
import { imageOf, manifestAfterOf, manifestNodeOf, notStored } from "../tree/images.ts";
import { withoutIdentity } from "../tree/recognise.ts";
import type { NodeAttributes } from "./expand-moves.ts";
import { type CommitPlan, keepsNode, type PlannedStep } from "./plan.ts";
import { mapStep, type NodeImage, type Step } from "./step.ts";

/**
 * The nodes that a plan speaks of, as they turn out to be: those that were found on the disk, and
 * those that were staged. Tells what they are to the record and to the manifest.
 */
export class PlannedNodes {
  readonly #plan: CommitPlan;
  readonly #lock: Pick<RootLock, "hasStableInodes">;
  readonly #attributes: NodeAttributes;
  readonly #found = new Map<Before, NodeImage>();
  readonly #staged = new Map<After, NodeImage>();
  #shared: ReadonlySet<After> = new Set();

  /**
   * @param lock tells whether directories are to be recognised by their inodes.
   * @param attributes what directories are made anew with.
   */
  constructor(
    plan: CommitPlan,
    lock: Pick<RootLock, "hasStableInodes">,
    attributes: NodeAttributes = new Map(),
  ) {
    this.#plan = plan;
    this.#attributes = attributes;
    this.#lock = lock;
  }

  /** Notes what the changes are based on: should they be taken back, files get other inodes. */
  noteContents(contents: ContentIndex): void {
    for (const [{ stamp }, image] of this.#found) {
      if (stamp === undefined || image.kind !== "file" || image.oid === "") continue;
      contents.note(stamp, image.oid);
    }
  }

  noteFound(before: Before, image: NodeImage): void {
    const isKnown = image.kind !== "directory" || this.#lock.hasStableInodes;
    const known = isKnown ? image : withoutIdentity(image);
    this.#found.set(before, this.#withAttributes(before, known));
  }

  #withAttributes(node: Before | After, image: NodeImage): NodeImage {
    const attributes = this.#attributes.get(node);
    if (attributes === undefined || image.kind !== "directory") return image;
    return { ...image, attributes: encodeAttributes(attributes) };
  }

  /** A file that was found has got another inode, and perhaps other names. */
  noteInode(before: Before, { ino, nlink }: Stamp): void {
    const image = this.#oldImage(before);
    const { names: _, ...alone } = { ...image, ino: String(ino) };
    this.#found.set(before, nlink === 1 ? alone : { ...alone, names: nlink });
  }

  /** What was staged for what the change set asks for. */
  noteStaged(after: After, image: NodeImage): void {
    this.#staged.set(after, image);
  }

  /** New content of files that have got other names since, which must go on showing it. */
  noteShared(shared: ReadonlySet<After>): void {
    this.#shared = shared;
  }

  #oldImage(before: Before): NodeImage {
    const image = this.#found.get(before);
    assert(image !== undefined, "every node that a step touches was examined");
    return image;
  }

  /** What a new node is: as staged, or the node that lay there with other attributes. */
  #newImage(after: After, before: Before | undefined): NodeImage {
    const staged = this.#staged.get(after);
    if (staged !== undefined) return staged;
    if (after.state.kind !== "file") {
      return this.#withAttributes(after, imageOf(after.state, notStored));
    }
    const linked = this.#plan.linked.get(after);
    if (linked !== undefined) {
      const source = this.#oldImage(linked);
      assert(source.kind === "file", "only files have more than one name");
      return imageOf({ ...after.state, size: source.size }, source, inodeOf(source));
    }
    const group = after.linkGroup;
    // Also a name of a file that is written in place through another one.
    const hasNewBytes = before?.state.kind !== "file" || after.content !== undefined;
    if (hasNewBytes && group !== undefined) {
      const first = this.#firstOfGroup(group);
      assert(first?.kind === "file", "a hard-link group has a file to link to");
      return imageOf({ ...after.state, size: first.size }, first, inodeOf(first));
    }
    const old = before === undefined ? undefined : this.#found.get(before);
    assert(old?.kind === "file", "a file that gets no new content had content before");
    return imageOf({ ...after.state, size: old.size }, old, BigInt(old.ino ?? 0));
  }

  /** The file of a group that was staged or, where none was, that is there already. */
  #firstOfGroup(group: number): NodeImage | undefined {
    let kept: NodeImage | undefined;
    for (const change of this.#plan.changeSet.changes) {
      if (change.kind === "delete" || change.after.linkGroup !== group) continue;
      const staged = this.#staged.get(change.after);
      if (staged !== undefined) return staged;
      if (keepsNode(change)) kept ??= this.#found.get(change.before);
    }
    return kept;
  }

  /** The changes as the manifest of the checkpoint keeps them. */
  manifestChanges(): ManifestChange[] {
    return this.#plan.asked.changes.map((change) => this.#manifestChange(change));
  }

  #manifestChange(change: Change): ManifestChange {
    const { path } = change;
    switch (change.kind) {
      case "create": {
        const after = manifestAfterOf(this.#newImage(change.after, undefined), change.after);
        return { kind: "create", path, after };
      }
      case "delete":
        return {
          kind: "delete",
          path,
          ...(change.place === undefined ? {} : { place: change.place }),
          before: manifestNodeOf(this.#oldImage(change.before)),
        };
      case "modify":
      case "rename": {
        const before = manifestNodeOf(this.#oldImage(change.before));
        const image = this.#newImage(change.after, change.before);
        const marks = isOtherFile(change) ? { isOtherFile: true as const } : {};
        const after = Object.assign(manifestAfterOf(image, change.after), marks);
        const { aspects } = change;
        if (change.kind === "modify") return { kind: "modify", path, before, after, aspects };
        const over = change.replaced;
        const replaced = over === undefined ? null : manifestNodeOf(this.#oldImage(over));
        return { kind: "rename", path, from: change.from, before, after, aspects, replaced };
      }
    }
  }

  /**
   * The steps of the plan, with all that is known of the nodes.
   *
   * @param staging where slots lie.
   */
  steps(staging: TreePath): Step[] {
    return this.#plan.steps.map(
      (step): Step =>
        mapStep(this.#withNames(step), {
          old: (before) => this.#oldImage(before),
          new: (after, of) =>
            this.#newImage(after, of.kind === "attributes" ? (of.before ?? undefined) : undefined),
          slot: (slot) => `${staging}/${slot}`,
        }),
    );
  }

  /** A file that has got another name since the plan was made keeps its node. */
  #withNames(step: PlannedStep): PlannedStep {
    if (step.kind !== "install" || step.replaced === null || !this.#shared.has(step.node)) {
      return step;
    }
    return { ...step, kind: "write", replaced: step.replaced };
  }
}

/** One more name of a file is known by it where nobody has read it; a staged one has none yet. */
function inodeOf({ ino }: NodeImage): bigint | undefined {
  return ino === undefined ? undefined : BigInt(ino);
}

function isOtherFile({ after, aspects }: ModifyChange | RenameChange): boolean {
  const hasSeveralNames = after.linkGroup !== undefined && after.state.kind === "file";
  return hasSeveralNames && aspects.includes("content") && after.sameNode !== true;
}
