import { dirname, extname } from "node:path";
import { isWithin } from "../../disk/tree-path.ts";
import { KIB } from "../../limits.ts";
import { FileStates } from "../file-states.ts";
import type { KnownNodes } from "../known-nodes.ts";
import { isFileOperation, type Operation, sizeOf } from "../operation.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import { absolutePathOf, codeOf, findBytes, NestedPaths } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { findTemplates } from "../template/find-templates.ts";
import type { TemplateCache } from "../template/template-cache.ts";
import { decodeText, isText } from "../text-encoding.ts";
import type { OperationFeatures } from "./optimizer.ts";

/**
 * Larger files, and more than so much together, are not searched for templates: aligning them would
 * take longer than writing them.
 */
const templateFileBytesMax = 2 * KIB;
const templateBytesMax = 16 * KIB;

/** Paths of writes that follow a template: one that is known already, or one found among them. */
interface Templated {
  readonly known: ReadonlySet<string>;
  readonly found: ReadonlySet<string>;
}

interface Company {
  readonly byFile: ReadonlyMap<string, number>;
  readonly byKind: ReadonlyMap<string, number>;
  readonly structural: readonly string[];
  readonly nested: NestedPaths;
  readonly templated: Templated;
  /** Whether a name is taken away or given: a path that leads through a link may lead elsewhere. */
  readonly changesNames: boolean;
}

/** An operation with the file that it is about. */
interface Target {
  readonly operation: Operation;
  /** That file, under one name however it is reached. */
  readonly key: string;
  /** The key, and the path as it was named where that is another one. */
  readonly paths: readonly string[];
  /** Operations with the same are alike: in one directory, on one type of file. */
  readonly likeness: string;
}

/**
 * Looks at operations that wait together. Touches nothing but the names and sizes of their files,
 * and the content of those whose size is that of their new content.
 *
 * @param options.nodes what was seen of the files, for whoever runs the operations next.
 */
export function featuresOf(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  settings: OptimizerSettings,
  options: {
    readonly insideBatch: boolean;
    readonly templates: TemplateCache | undefined;
    readonly nodes: KnownNodes;
  },
): OperationFeatures[] {
  const { nodes } = options;
  const templates = settings.profile.templates ? options.templates : undefined;
  const states = new FileStates(overlay, nodes);
  const targets = operations.map((operation) => targetOf(overlay, states, operation));
  const company: Company = {
    byFile: countsOf(targets.map(({ key }) => key)),
    byKind: countsOf(targets.map(({ likeness }) => likeness)),
    structural: operations.flatMap((operation) => structuralPathsOf(overlay, states, operation)),
    nested: new NestedPaths(),
    templated: templatedPaths(operations, settings, templates),
    changesNames: operations.some(({ kind }) => kind !== "write" && kind !== "edit"),
  };
  for (const { paths } of targets) for (const path of paths) company.nested.add(path);
  const { known, found } = company.templated;
  return targets.map(({ operation, key, paths, likeness }): OperationFeatures => {
    const sameFile = (company.byFile.get(key) ?? 1) - 1;
    return {
      kind: operation.kind,
      sizeBytes: sizeOf(operation),
      fileBytes: operation.kind === "edit" ? (findSize(nodes, key) ?? 0) : 0,
      edits: operation.kind === "edit" ? operation.edits.length : 1,
      sameFile: isFileOperation(operation) ? sameFile : 0,
      similar: company.byKind.get(likeness) ?? 1,
      files: company.byFile.size,
      insideBatch: options.insideBatch,
      fitsTemplate: known.has(operation.path) || found.has(operation.path),
      isKnownTemplate: known.has(operation.path),
      isIdentical: sameFile === 0 && isIdentical(overlay, nodes, key, operation),
      isOrdered: isOrdered(operation, paths, company),
    };
  });
}

function targetOf(overlay: EngineOverlay, states: FileStates, operation: Operation): Target {
  const named = absolutePathOf(overlay, operation.path);
  const key = keyOf(states, named, operation);
  const paths = key === named ? [key] : [key, named];
  return { operation, key, paths, likeness: likenessOf(key, operation) };
}

function keyOf(states: FileStates, absolute: string, operation: Operation): string {
  if (!isFileOperation(operation)) return absolute;
  try {
    return operation.kind === "delete" ? states.placeOf(absolute) : states.pathOf(absolute);
  } catch (error) {
    // A path that cannot be resolved fails when the operation runs, and says so then.
    if (codeOf(error) !== undefined) return absolute;
    throw error;
  }
}

function likenessOf(key: string, operation: Operation): string {
  return `${isFileOperation(operation) ? "file" : operation.kind} ${dirname(key)} ${extname(key)}`;
}

function countsOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** What an operation on more than a file moves, makes or deletes: as named, and resolved. */
function structuralPathsOf(
  overlay: EngineOverlay,
  states: FileStates,
  operation: Operation,
): string[] {
  if (isFileOperation(operation)) return [];
  const named = operation.kind === "move" ? [operation.path, operation.target] : [operation.path];
  return named.flatMap((path) => [absolutePathOf(overlay, path), states.placeOf(path)]);
}

/** Whether another operation moves, makes or deletes something that this one lies in, or holds. */
function isOrdered(operation: Operation, paths: readonly string[], company: Company): boolean {
  if (!isFileOperation(operation)) return true;
  // More than one path: it is reached through a link, which may be one of those names.
  if (company.changesNames && paths.length > 1) return true;
  return paths.some((path) => {
    const { structural, nested } = company;
    return nested.nests(path) || structural.some((other) => isRelated(path, other));
  });
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

/**
 * Looks for writes whose content follows a template of the cache, or one that almost does and is
 * generalised by it; and among the rest for templates that enough of them have in common.
 */
function templatedPaths(
  operations: readonly Operation[],
  settings: OptimizerSettings,
  templates: TemplateCache | undefined,
): Templated {
  const known = new Set<string>();
  const found = new Set<string>();
  if (templates === undefined) return { known, found };
  const writes = operations.flatMap((operation) => {
    const fits = operation.kind === "write" && operation.bytes.length <= templateFileBytesMax;
    return fits ? [operation] : [];
  });
  const total = writes.reduce((sum, write) => sum + write.bytes.length, 0);
  if (total > templateBytesMax) return { known, found };
  const rest = writes.filter((write) => {
    if (templates.size === 0 || !isText(write.bytes)) return true;
    if (!templates.follow(decodeText(write.bytes, "utf-8"))) return true;
    known.add(write.path);
    return false;
  });
  if (rest.length < settings.operationsForBatchMin) return { known, found };
  for (const { template, instances } of findTemplates(rest, settings.operationsForBatchMin)) {
    templates.add(template);
    for (const { path } of instances) found.add(path);
  }
  return { known, found };
}
