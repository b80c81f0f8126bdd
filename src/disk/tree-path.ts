import { posix } from "node:path";

/**
 * A path inside a root: components joined by `/`, no leading or trailing slash, no `.` or `..`,
 * `""` for the root itself. Names are exact: never normalised, never case-folded. Bytes that are
 * not UTF-8 are held as lone surrogates (see `names.ts`).
 */
export type TreePath = string;

/** The parent of a path; the root's parent is the root. */
export function parentOf(path: TreePath): TreePath {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The last component of a path; `""` for the root. */
export function nameOf(path: TreePath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The path of `name` in the directory `parent`. */
export function childOf(parent: TreePath, name: string): TreePath {
  return parent === "" ? name : `${parent}/${name}`;
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: TreePath, ancestor: TreePath): boolean {
  return ancestor === "" || path === ancestor || path.startsWith(`${ancestor}/`);
}

/** The absolute path of `path` below `root`. */
export function absoluteOf(root: string, path: TreePath): string {
  if (path === "") return root;
  return root === "/" ? `/${path}` : `${root}/${path}`;
}

/**
 * Orders paths so that a parent comes directly before what lies below it.
 * Comparing component-wise, not as strings: `a/b` sorts before `a-b`.
 */
export function compareTreePaths(left: TreePath, right: TreePath): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    // The end of a component comes before whatever could continue it.
    if (a === slash) return -1;
    if (b === slash) return 1;
    return a - b;
  }
  return left.length - right.length;
}

const slash = 0x2f;

/**
 * The tree path of an absolute path, or `undefined` when it lies outside `root`.
 * Lexical: links are the caller's business.
 */
export function treePathOf(root: string, absolute: string): TreePath | undefined {
  const relative = posix.relative(root, absolute);
  if (relative === "") return "";
  if (relative === ".." || relative.startsWith("../")) return undefined;
  return relative;
}
