import { stateDirectoryName } from "../../disk/state/state-directory.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import type { ChangeSet } from "./change-set.ts";

/**
 * Checks that every path of a change set lies inside its root, is named once and leaves the state
 * directory alone. Change sets come from plan files too, which anybody can write.
 *
 * @throws {DraftError} `DRAFT_PLAN_INVALID`
 */
export function checkPaths(changeSet: ChangeSet): void {
  const seen = new Set<TreePath>();
  for (const change of changeSet.changes) {
    checkPath(change.path);
    if (change.kind === "rename") checkPath(change.from);
    if (change.kind !== "delete" && change.after.source !== undefined) {
      checkPath(change.after.source.path);
    }
    if (change.path === "" && change.kind !== "modify") throw invalid("", "it is the root itself");
    if (change.kind === "delete" && change.place !== undefined) {
      // It was below something else of that name, and is no change of what lies there now.
      checkPath(change.place);
      continue;
    }
    if (seen.has(change.path)) throw invalid(change.path, "it is changed twice");
    seen.add(change.path);
  }
}

function checkPath(path: TreePath): void {
  if (path === "") return;
  if (path.includes("\0")) throw invalid(path, "it holds a NUL");
  const components = path.split("/");
  if (components.some((name) => name === "" || name === "." || name === "..")) {
    throw invalid(path, "it is no path inside the root");
  }
  // Some file systems fold case: none of the spellings may reach our own state.
  if (components[0]?.toLowerCase() === stateDirectoryName) {
    throw invalid(path, "it lies in the state directory");
  }
}

function invalid(path: TreePath, reason: string): DraftError {
  return new DraftError(
    "DRAFT_PLAN_INVALID",
    `Cannot plan a change of ${JSON.stringify(path)}: ${reason}. Nothing was touched.`,
    { path },
  );
}
