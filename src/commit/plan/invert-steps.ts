import type { TreePath } from "../../disk/tree-path.ts";
import { assert } from "../../errors.ts";
import type { NodeImage, Step } from "./step.ts";

/**
 * The steps that take back the given ones, which were carried out in this order. What they need
 * lies in the same pack: the bytes that were replaced went into it before anything was.
 *
 * @param staging where the files to put back are staged.
 */
export function invertSteps(steps: readonly Step[], staging: TreePath): Step[] {
  const inverse: Step[] = [];
  const attributes: Step[] = [];
  for (const [index, step] of [...steps.entries()].toReversed()) {
    const slot = slotOfInverse(staging, index);
    switch (step.kind) {
      case "park": {
        const { path, slot: parked, finally: from, node } = step;
        inverse.push({ kind: "move", path, from, slot: parked, node, replaced: null });
        break;
      }
      case "remove":
        inverse.push(bringBack(step.path, step.node, null, slot));
        if (step.node.kind === "directory") attributes.push(dress(step.path, step.node));
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
        const back = { kind: "attributes", path, phase: "late", times: true } as const;
        inverse.push({ ...back, before: after, after: before });
        break;
      }
    }
  }
  // Filling a directory changes its times, and may need more permission than it had.
  return [...inverse, ...attributes.reverse()];
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

function dress(path: TreePath, after: NodeImage): Step {
  return { kind: "attributes", path, phase: "late", before: null, after, times: true };
}
