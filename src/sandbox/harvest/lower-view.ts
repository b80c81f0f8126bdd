import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { isAbsence, isDenied } from "../../disk/error-codes.ts";
import { decodeName, encodePath } from "../../disk/names.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";

/** The real tree as the namespace has it below: the stats of one node, `undefined` if none. */
export function lstatLower(root: string, path: TreePath): BigIntStats | undefined {
  try {
    const place = encodePath(absoluteOf(root, path));
    return lstatSync(place, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (isHidden(error)) return undefined;
    throw error;
  }
}

/** Names in a directory of the real tree; `undefined` when there is no directory at `path`. */
export function readLowerNames(root: string, path: TreePath): string[] | undefined {
  try {
    const place = encodePath(absoluteOf(root, path));
    return readdirSync(place, { encoding: "buffer" }).map((name) => decodeName(name));
  } catch (error) {
    if (isHidden(error)) return undefined;
    throw error;
  }
}

/** What this user cannot read, the command could not read either. */
function isHidden(error: unknown): boolean {
  return isAbsence(error) || isDenied(error);
}
