import type { Aspect } from "../commit/change-set/change-set.ts";
import type { OldPlaces } from "../commit/change-set/old-places.ts";
import type { ManifestChange, ManifestNode } from "../commit/checkpoint/manifest.ts";
import type { TreePath } from "../disk/tree-path.ts";

/** A node that taking an operation back puts somewhere. */
export interface Return {
  readonly change: ManifestChange;
  /** Its place in the old tree. */
  readonly path: TreePath;
  readonly node: ManifestNode;
  /** Whether the node is as it was but for its attributes. */
  readonly isWhole: boolean;
}

export function returnsOf(change: ManifestChange, places: OldPlaces): Return[] {
  const place = places.placeOf(change.path);
  switch (change.kind) {
    case "create":
      return [];
    case "delete":
      return [{ change, path: change.place ?? place, node: change.before, isWhole: true }];
    case "modify": {
      const isWhole = change.aspects.some((aspect) => wholeAspects.has(aspect));
      return [{ change, path: place, node: change.before, isWhole }];
    }
    case "rename": {
      const isWhole = change.aspects.some((aspect) => wholeAspects.has(aspect));
      const back = { change, path: change.from, node: change.before, isWhole };
      if (change.replaced === null) return [back];
      return [back, { change, path: place, node: change.replaced, isWhole: true }];
    }
  }
}

export function aspectsOf(change: ManifestChange): readonly Aspect[] {
  return "aspects" in change ? change.aspects : [];
}

const wholeAspects: ReadonlySet<string> = new Set(["content", "target", "type"]);

/** Whether another node lies there than before, of another kind or with names of its own. */
export function isReplaced(change: ManifestChange): boolean {
  if (change.kind === "rename") return change.after.isOtherFile === true;
  if (change.kind !== "modify") return false;
  return change.aspects.includes("type") || change.after.isOtherFile === true;
}

export function touchesAttributes(change: ManifestChange): boolean {
  if (change.kind !== "modify") return false;
  return change.aspects.includes("mode") || change.aspects.includes("owner");
}
