import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import { assert } from "../../errors.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import type { AttributesStep, NodeImage, Step } from "./step.ts";

/**
 * The steps that take back the given ones, which were carried out in this order. What they need
 * lies in the same pack: the bytes that were replaced went into it before anything was.
 *
 * @param staging where the files to put back are staged.
 * @param begun how many of the steps were begun; directories whose names the others of them moved
 *   get their times back even where setting these was not.
 */
export function invertSteps(
  steps: readonly Step[],
  staging: TreePath,
  begun = steps.length,
): Step[] {
  const inverse: Step[] = [];
  const attributes = directoriesAsBefore(steps, begun);
  for (const [index, step] of [...steps.entries()].slice(0, begun).toReversed()) {
    const slot = slotOfInverse(staging, index);
    switch (step.kind) {
      case "park": {
        const { path, slot: parked, finally: from, node } = step;
        inverse.push({ kind: "move", path, from, slot: parked, node, replaced: null });
        break;
      }
      case "remove":
        inverse.push(bringBack(step.path, step.node, null, slot));
        break;
      case "mkdir":
        inverse.push({ kind: "remove", path: step.path, node: step.node });
        break;
      case "move": {
        const { path, from, slot: parked, node, replaced } = step;
        if (parked === null) {
          inverse.push({ kind: "move", path: from, from: path, slot: null, node, replaced: null });
        } else {
          inverse.push({ kind: "park", path, slot: parked, finally: from, node });
        }
        if (replaced !== null) inverse.push(bringBack(path, replaced, null, slot));
        break;
      }
      case "install":
      case "link":
        if (step.replaced === null) {
          inverse.push({ kind: "remove", path: step.path, node: step.node });
        } else {
          inverse.push(bringBack(step.path, step.replaced, step.node, slot));
        }
        break;
      case "write": {
        const { path, node, replaced } = step;
        const back = { kind: "write", path, staged: slot, times: true } as const;
        inverse.push({ ...back, node: replaced, replaced: node });
        break;
      }
      case "attributes": {
        const { path, before, after } = step;
        if (before === null) break;
        const back = { path, before: after, after: before } as const;
        if (before.kind !== "directory") {
          inverse.push({ kind: "attributes", phase: "late", ...back, times: true });
        } else if (step.phase === "late" && (before.mode & ~after.mode & 0o700) !== 0) {
          inverse.push({ kind: "attributes", phase: "early", ...back, times: false });
        }
        break;
      }
    }
  }
  // Filling a directory changes its times, and may need more permission than it had.
  return [...inverse, ...attributes.sort(deepestFirst)];
}

/**
 * What gives directories back what the steps change of them, at their places in the old tree. Not
 * where none of the steps was begun that would have touched them: their times are others' then.
 */
function directoriesAsBefore(steps: readonly Step[], begun: number): Step[] {
  const places = new OldPlaces(
    steps.map((step) => (step.kind === "move" ? { ...step, kind: "rename" } : step)),
  );
  const disturbed = new Set(steps.slice(0, begun).flatMap((step) => disturbedBy(step, places)));
  return steps.flatMap((step, index): AttributesStep<NodeImage, NodeImage>[] => {
    const isTouched = (path: TreePath): boolean => index < begun || disturbed.has(path);
    if (step.kind === "remove" && step.node.kind === "directory") {
      return isTouched(step.path) ? [giveBack(step.path, null, step.node)] : [];
    }
    if (step.kind !== "attributes" || step.phase !== "late") return [];
    const { before, after } = step;
    const path = places.originOf(step.path);
    if (before?.kind !== "directory" || !isTouched(path)) return [];
    return [giveBack(path, after, before)];
  });
}

/** The directories, by their places in the old tree, that a step changes or moves the times of. */
function disturbedBy(step: Step, places: OldPlaces): TreePath[] {
  switch (step.kind) {
    case "park":
    case "remove":
      return [parentOf(step.path)];
    case "move":
      return [parentOf(step.from), places.originOf(parentOf(step.path))];
    case "mkdir":
    case "install":
    case "link":
    case "write":
      return [places.originOf(parentOf(step.path))];
    case "attributes":
      return step.phase === "early" ? [step.path] : [];
  }
}

function deepestFirst(left: Step, right: Step): number {
  return right.path.split("/").length - left.path.split("/").length;
}

/** Where what the inverse of a step puts back is staged, by the number of the step. */
export function slotOfInverse(staging: TreePath, index: number): TreePath {
  return `${staging}/back-${index}`;
}

function bringBack(
  path: TreePath,
  node: NodeImage,
  replaced: NodeImage | null,
  staged: TreePath,
): Step {
  if (node.kind !== "directory") {
    return { kind: "install", path, staged, node, replaced, times: true };
  }
  assert(replaced === null, "a directory never replaces another node in one step");
  return { kind: "mkdir", path, node };
}

function giveBack(
  path: TreePath,
  before: NodeImage | null,
  after: NodeImage,
): AttributesStep<NodeImage, NodeImage> {
  return { kind: "attributes", path, phase: "late", before, after, times: true };
}
