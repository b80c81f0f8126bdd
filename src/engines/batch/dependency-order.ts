import { dirname, extname } from "node:path";
import { KIB } from "../../limits.ts";
import { dependencyLanguageOf, shortNamesOf } from "./dependency-languages.ts";

/** A file of a batch, for ordering. */
export interface DependencyNode {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The order in which files of a batch go, what they depend on first. */
export interface DependencyOrder {
  /** Indexes into the files as they were given. */
  readonly order: readonly number[];
  /** Groups that depend on each other; within one, the given order stands. */
  readonly cycles: readonly (readonly number[])[];
}

/** Imports stand at the top; the rest of a long file is not looked at. */
const scannedBytes = 8 * KIB;

/**
 * Orders files so that one that another imports or includes comes first. Only references among the
 * given files count; nothing is read. Files without relations keep their order.
 *
 * Strongly connected components come from Tarjan's algorithm (Depth-first search and linear graph
 * algorithms, 1972), which yields them with dependencies first.
 */
export function orderByDependencies(files: readonly DependencyNode[]): DependencyOrder {
  let byName: ReadonlyMap<string, readonly number[]> | undefined;
  // Most files of some trees name no other one.
  const namesOf = () => {
    byName ??= indexOf(files);
    return byName;
  };
  const edges = files.map((file, index) => dependenciesOf(file, index, files, namesOf));
  const components = componentsOf(edges);
  return {
    order: components.flat(),
    cycles: components.filter((component) => component.length > 1),
  };
}

/** The files that each name may mean. */
function indexOf(files: readonly DependencyNode[]): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  for (const [index, { path }] of files.entries()) {
    for (const name of [path, ...shortNamesOf(path)]) {
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [index]);
      else known.push(index);
    }
  }
  return byName;
}

function dependenciesOf(
  file: DependencyNode,
  own: number,
  files: readonly DependencyNode[],
  namesOf: () => ReadonlyMap<string, readonly number[]>,
): number[] {
  const language = dependencyLanguageOf(extname(file.path));
  if (language === undefined || files.length < 2) return [];
  const text = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.length).toString(
    "latin1",
    0,
    scannedBytes,
  );
  const directory = dirname(file.path);
  const found = new Set<number>();
  for (const reference of language.references(text)) {
    for (const path of language.paths(directory, reference)) {
      for (const index of namesOf().get(path) ?? []) {
        const other = files[index]?.path ?? "";
        const isMeant = other === path || language.extensions.has(extname(other));
        if (isMeant && index !== own) found.add(index);
      }
    }
  }
  return [...found].sort((a, b) => a - b);
}

interface Visit {
  readonly node: number;
  next: number;
}

/** Tarjan's algorithm with a stack of its own: a long chain must not overflow the call stack. */
function componentsOf(edges: readonly (readonly number[])[]): number[][] {
  const depth = new Array<number>(edges.length).fill(-1);
  const lowest = new Array<number>(edges.length).fill(0);
  const waiting: number[] = [];
  const isWaiting = new Set<number>();
  const components: number[][] = [];
  let count = 0;
  const enter = (node: number): Visit => {
    depth[node] = count;
    lowest[node] = count;
    count += 1;
    waiting.push(node);
    isWaiting.add(node);
    return { node, next: 0 };
  };
  const lower = (node: number, by: number) => {
    lowest[node] = Math.min(lowest[node] ?? 0, by);
  };
  for (let root = 0; root < edges.length; root++) {
    if (depth[root] !== -1) continue;
    const visits = [enter(root)];
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const target = edges[visit.node]?.[visit.next];
      visit.next += 1;
      if (target !== undefined) {
        if (depth[target] === -1) visits.push(enter(target));
        else if (isWaiting.has(target)) lower(visit.node, depth[target] ?? 0);
        continue;
      }
      visits.pop();
      const above = visits.at(-1);
      if (above !== undefined) lower(above.node, lowest[visit.node] ?? 0);
      if (lowest[visit.node] !== depth[visit.node]) continue;
      const component = waiting.splice(waiting.lastIndexOf(visit.node));
      for (const node of component) isWaiting.delete(node);
      components.push(component.sort((a, b) => a - b));
    }
  }
  return components;
}
