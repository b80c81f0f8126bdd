import { isWithin } from "../../disk/tree-path.ts";
import { FileStates } from "../file-states.ts";
import type { KnownNodes } from "../known-nodes.ts";
import { isFileOperation, type Operation, sizeOf } from "../operation.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import { absolutePathOf, codeOf, findBytes, NestedPaths } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import type { TemplateCache } from "../template/template-cache.ts";
import { extensionOf } from "./named-files.ts";
import type { OperationFeatures } from "./optimizer.ts";
import { quickFeaturesOf } from "./quick-features.ts";
import { templatedPaths } from "./templated-paths.ts";

/** What waits together, beside which each operation is looked at. */
class Company {
  readonly byFile = new Map<string, number>();
  readonly byKind = new Map<string, number>();
  readonly nested = new NestedPaths();
  /** What operations on more than a file move, make or delete: as named, and resolved. */
  readonly structural: string[] = [];
  /** Whether a name is taken away or given: a path that leads through a link may lead elsewhere. */
  changesNames = false;

  add({ operation, key, named, likeness }: Target): void {
    count(this.byFile, key);
    count(this.byKind, likeness);
    this.nested.add(key);
    if (named !== key) this.nested.add(named);
    this.changesNames ||= operation.kind !== "write" && operation.kind !== "edit";
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Operations that wait together, as they were looked at. */
export interface SeenOperations {
  readonly features: readonly OperationFeatures[];
  /**
   * Whether each is about a file that it names itself, none lying in the way of another: then those
   * on different files may be done in any order.
   */
  readonly areApart: boolean;
}

/** An operation with the file that it is about. */
interface Target {
  readonly operation: Operation;
  /** That file, under one name however it is reached; as it was named when it leads nowhere. */
  readonly key: string;
  readonly named: string;
  readonly leadsNowhere: boolean;
  /** Operations with the same are alike: in one directory, on one type of file. */
  readonly likeness: string;
}

/** How operations are looked at. */
export interface LookOptions {
  readonly insideBatch: boolean;
  readonly templates: TemplateCache | undefined;
  /** Whether content that is there already is found when it is written: then not looked for. */
  readonly comparesOnWrite?: boolean;
  /** What was seen of the files, for whoever runs the operations next. */
  readonly nodes: KnownNodes;
}

/**
 * Looks at operations that wait together. Touches nothing but the names and sizes of their files,
 * and the content of those whose size is that of their new content.
 */
export function featuresOf(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  settings: OptimizerSettings,
  options: LookOptions,
): SeenOperations {
  const { nodes, insideBatch, templates } = options;
  const { holdsChanges: isHeld = false } = overlay;
  const quick = isHeld ? quickFeaturesOf(overlay, operations, settings, options) : undefined;
  if (quick !== undefined) return { features: quick, areApart: true };
  const { targets, company } = lookThoroughly(overlay, operations, nodes);
  const { known, found } = templatedPaths(operations, settings, templates);
  let areApart = targets.every(({ key, named, leadsNowhere }) => key === named && !leadsNowhere);
  const features = targets.map((target): OperationFeatures => {
    const { operation, key, likeness } = target;
    const { kind, path } = operation;
    const isEdit = kind === "edit";
    const sameFile = (company.byFile.get(key) ?? 1) - 1;
    const isInOrder = isOrdered(target, company);
    areApart &&= !isInOrder;
    return {
      kind,
      sizeBytes: sizeOf(operation),
      fileBytes: isEdit ? (findSize(nodes, key) ?? 0) : 0,
      edits: isEdit ? operation.edits.length : 1,
      sameFile: isFileOperation(operation) ? sameFile : 0,
      similar: company.byKind.get(likeness) ?? 1,
      files: company.byFile.size,
      insideBatch,
      fitsTemplate: known.has(path) || found.has(path),
      isKnownTemplate: known.has(path),
      isIdentical: sameFile === 0 && isIdentical(overlay, nodes, key, operation),
      isOrdered: isInOrder,
      isHeld,
    };
  });
  return { features, areApart };
}

/** Follows links, and finds out what is in the way of what. */
function lookThoroughly(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  nodes: KnownNodes,
): { targets: Target[]; company: Company } {
  const states = new FileStates(overlay, nodes);
  const company = new Company();
  const targets = operations.map((operation): Target => {
    const named = absolutePathOf(overlay, operation.path);
    const found = findKey(states, named, operation);
    const key = found ?? named;
    const likeness = likenessOf(key, operation);
    const target = { operation, key, named, leadsNowhere: found === undefined, likeness };
    company.add(target);
    if (!isFileOperation(operation)) {
      company.structural.push(...structuralPathsOf(overlay, states, operation));
    }
    return target;
  });
  return { targets, company };
}

/** All of the path but the name before its extension. */
function likenessOf(key: string, operation: Operation): string {
  const nameStart = key.lastIndexOf("/") + 1;
  const kind = isFileOperation(operation) ? "file" : operation.kind;
  return `${kind} ${key.slice(0, nameStart)} ${extensionOf(key.slice(nameStart))}`;
}

function findKey(states: FileStates, absolute: string, operation: Operation): string | undefined {
  if (!isFileOperation(operation)) return absolute;
  try {
    return operation.kind === "delete" ? states.placeOf(absolute) : states.keyOf(absolute);
  } catch (error) {
    // A path that cannot be resolved fails when the operation runs, and says so then.
    if (codeOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** What an operation on more than a file moves, makes or deletes: as named, and resolved. */
function structuralPathsOf(
  overlay: EngineOverlay,
  states: FileStates,
  operation: Operation,
): string[] {
  const named = operation.kind === "move" ? [operation.path, operation.target] : [operation.path];
  return named.flatMap((path) => [absolutePathOf(overlay, path), states.placeOf(path)]);
}

/** Whether another operation moves, makes or deletes something that this one lies in, or holds. */
function isOrdered({ operation, key, named }: Target, company: Company): boolean {
  if (!isFileOperation(operation)) return true;
  // More than one path: it is reached through a link, which may be one of those names.
  if (key !== named && company.changesNames) return true;
  return isInTheWay(key, company) || (key !== named && isInTheWay(named, company));
}

function isInTheWay(path: string, { nested, structural }: Company): boolean {
  return (
    (nested.isAnyInside && nested.nests(path)) || structural.some((other) => isRelated(path, other))
  );
}

function isRelated(path: string, other: string): boolean {
  return isWithin(path, other) || isWithin(other, path);
}

function isIdentical(
  overlay: EngineOverlay,
  nodes: KnownNodes,
  path: string,
  operation: Operation,
): boolean {
  if (operation.kind !== "write") return false;
  if (findSize(nodes, path) !== operation.bytes.length) return false;
  return findBytes(overlay, path)?.equals(operation.bytes) ?? false;
}

/** The size of a file; the links on the way to it were followed before. */
function findSize(nodes: KnownNodes, path: string): number | undefined {
  const node = nodes.find(path);
  return node?.isFile() === true ? node.size : undefined;
}
