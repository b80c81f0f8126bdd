import type { KnownNodes } from "../known-nodes.ts";
import { type DeleteOperation, type Operation, sizeOf, type WriteOperation } from "../operation.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import { absolutePathOf, directoryOf, plainPathOf } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { type Likeness, NamedFiles } from "./named-files.ts";
import type { LookOptions } from "./operation-features.ts";
import type { OperationFeatures } from "./optimizer.ts";
import { templatedPaths } from "./templated-paths.ts";

/**
 * Looks at operations by their names alone; `undefined` where that is not enough, because an engine
 * may have something to do: a file is named twice or edited, has its new content already, or lies
 * where another one needs a directory. It is for overlays: everything is done in order and plainly
 * then, so that it does not matter which names lead to one file.
 */
export function quickFeaturesOf(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  settings: OptimizerSettings,
  options: LookOptions,
): OperationFeatures[] | undefined {
  const { insideBatch, comparesOnWrite = false, nodes, templates } = options;
  const files = new NamedFiles();
  const likenesses: Likeness[] = [];
  for (const operation of operations) {
    if (operation.kind !== "write" && operation.kind !== "delete") return undefined;
    const path = plainPathOf(overlay, operation.path);
    const likeness = path === undefined ? undefined : files.add(path);
    if (likeness === undefined) return undefined;
    likenesses.push(likeness);
    if (!comparesOnWrite && mayBeIdentical(overlay, operation, settings, nodes)) return undefined;
  }
  if (files.isAnyInside) return undefined;
  const { known, found } = templatedPaths(operations, settings, templates);
  const isAnyTemplated = known.size + found.size > 0;
  return operations.map((operation, index): OperationFeatures => {
    const isKnownTemplate = isAnyTemplated && known.has(operation.path);
    return {
      kind: operation.kind,
      sizeBytes: sizeOf(operation),
      fileBytes: 0,
      edits: 1,
      sameFile: 0,
      similar: likenesses[index]?.operations ?? 1,
      files: operations.length,
      insideBatch,
      fitsTemplate: isKnownTemplate || (isAnyTemplated && found.has(operation.path)),
      isKnownTemplate,
      isIdentical: false,
      isOrdered: false,
      isHeld: true,
    };
  });
}

/** Smaller writes are not looked at: to read what is there takes as long as to write it again. */
function mayBeIdentical(
  overlay: EngineOverlay,
  operation: WriteOperation | DeleteOperation,
  { contentBytesMin }: OptimizerSettings,
  nodes: KnownNodes,
): boolean {
  if (operation.kind !== "write" || operation.bytes.length < contentBytesMin) return false;
  const path = absolutePathOf(overlay, operation.path);
  try {
    const node = nodes.find(path);
    // In a directory that is missing nothing further has to be looked for.
    if (node === undefined) nodes.find(directoryOf(path));
    return node?.isSymbolicLink() === true || node?.size === operation.bytes.length;
  } catch {
    // The thorough look tells what is in the way.
    return true;
  }
}
