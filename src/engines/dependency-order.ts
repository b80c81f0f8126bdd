import { dirname, extname, posix } from "node:path";
import { KIB } from "../limits.ts";

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

interface Language {
  readonly references: RegExp;
  /** Paths that a reference in a file of `directory` may mean. */
  candidates(directory: string, reference: string): readonly string[];
}

const scriptExtensions = [
  "",
  ".ts",
  ".tsx",
  ".js",
  ".jsx",
  ".mts",
  ".cts",
  ".mjs",
  ".cjs",
  ".json",
];
const script: Language = {
  references: /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'\n]+)["']/g,
  candidates(directory, reference) {
    if (!reference.startsWith(".")) return [];
    const whole = posix.join(directory, reference);
    const bare = whole.replace(/\.[cm]?jsx?$/, "");
    const stems = bare === whole ? [whole] : [whole, bare];
    const files = stems.flatMap((stem) => scriptExtensions.map((extension) => stem + extension));
    return [
      ...files,
      ...scriptExtensions.slice(1).map((extension) => `${whole}/index${extension}`),
    ];
  },
};
const python: Language = {
  references: /^[ \t]*(?:from\s+([.\w]+)\s+import|import\s+([.\w]+))/gm,
  candidates(directory, reference) {
    const dots = /^\.*/.exec(reference)?.[0].length ?? 0;
    const up = dots > 1 ? "../".repeat(dots - 1) : "";
    const module = reference.slice(dots).replaceAll(".", "/");
    const stem = posix.join(directory, up, module);
    return module === "" ? [`${stem}/__init__.py`] : [`${stem}.py`, `${stem}/__init__.py`];
  },
};
const include: Language = {
  references: /^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"/gm,
  candidates: (directory, reference) => [posix.join(directory, reference)],
};
const style: Language = {
  references: /@(?:import|use|forward)\s+(?:url\()?["']?([^"')\s;]+)/g,
  candidates(directory, reference) {
    const whole = posix.join(directory, reference);
    return [whole, `${whole}.scss`, `${whole}.css`];
  },
};
const shell: Language = {
  references: /^[ \t]*(?:source|\.)[ \t]+["']?([^"'\s;]+)/gm,
  candidates: (directory, reference) => [posix.join(directory, reference)],
};

const languages: Readonly<Record<string, Language>> = Object.fromEntries(
  [
    [script, ".ts .tsx .js .jsx .mts .cts .mjs .cjs .vue .svelte"],
    [python, ".py .pyi"],
    [include, ".c .h .cc .cpp .cxx .hh .hpp .m .mm"],
    [style, ".css .scss .sass .less"],
    [shell, ".sh .bash .zsh"],
  ].flatMap(([language, names]) =>
    String(names)
      .split(" ")
      .map((name) => [name, language as Language]),
  ),
);

/**
 * Orders files so that one that another imports or includes comes first. Only references among the
 * given files count; nothing is read. Files without relations keep their order.
 *
 * Strongly connected components come from Tarjan's algorithm (Depth-first search and linear graph
 * algorithms, 1972), which yields them with dependencies first.
 */
export function orderByDependencies(files: readonly DependencyNode[]): DependencyOrder {
  const indexes = new Map(files.map((file, index) => [file.path, index]));
  const edges = files.map((file) => dependenciesOf(file, indexes));
  const components = componentsOf(edges);
  return {
    order: components.flat(),
    cycles: components.filter((component) => component.length > 1),
  };
}

function dependenciesOf(file: DependencyNode, indexes: ReadonlyMap<string, number>): number[] {
  const language = languages[extname(file.path).toLowerCase()];
  if (language === undefined || indexes.size < 2) return [];
  const text = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.length).toString(
    "latin1",
    0,
    scannedBytes,
  );
  const directory = dirname(file.path);
  const own = indexes.get(file.path);
  const found = new Set<number>();
  const seen = new Set<string>();
  for (const match of text.matchAll(language.references)) {
    const reference = match[1] ?? match[2] ?? "";
    if (seen.has(reference)) continue;
    seen.add(reference);
    for (const candidate of language.candidates(directory, reference)) {
      const index = indexes.get(candidate);
      if (index !== undefined && index !== own) found.add(index);
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
