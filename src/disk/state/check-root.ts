import { realpathSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { invalid } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { wayTo } from "../../ways.ts";
import { findOuterRoot } from "./find-root.ts";
import { isGuarded, stateDirectoryName } from "./state-directory.ts";

/**
 * Resolves and checks a directory that is to be a root.
 *
 * @returns its real absolute path.
 * @throws {DraftError} `DRAFT_ROOT_MISSING`, `DRAFT_ROOT_NOT_DIRECTORY`, `DRAFT_ROOT_UNREADABLE`;
 *   `DRAFT_ROOT_NESTED` inside another root's state directory; unless `force` is set,
 *   `DRAFT_ROOT_GUARDED` for `/` and the home directory, and `DRAFT_ROOT_NESTED` for a directory
 *   that is no root yet and lies inside another one.
 */
export function checkRoot(directory: string, options: { readonly force?: boolean } = {}): string {
  const root = realRootOf(directory);
  if (`${root}/`.includes(`/${stateDirectoryName}/`)) {
    throw new DraftError(
      "DRAFT_ROOT_NESTED",
      `Cannot use ${root} as a root: it lies inside the state directory of another root. ` +
        "Choose a directory outside of it.",
      { path: root },
    );
  }
  if (options.force === true) return root;
  if (isGuarded(root)) {
    const what = root === "/" ? "the whole file system" : "your home";
    throw new DraftError(
      "DRAFT_ROOT_GUARDED",
      `Refusing to use ${root} as a root: it is ${what}. ` +
        `Name a project directory with -C, or pass ${wayTo("force")} if you mean it.`,
      { path: root },
    );
  }
  const outer = findOuterRoot(root);
  if (outer !== undefined) {
    throw new DraftError(
      "DRAFT_ROOT_NESTED",
      `Refusing to use ${root} as a root: it lies inside of the root ${outer}, whose drafts ` +
        `and checkpoints are of the same files, and lie in ${outer}/${stateDirectoryName}. Use ` +
        `that one, or pass ${wayTo("force")} if you mean a root of its own.`,
      { path: root, details: { outer } },
    );
  }
  return root;
}

function realRootOf(directory: string): string {
  if (typeof directory !== "string") {
    throw invalid(`A root is named by the path of a directory, not by ${String(directory)}.`);
  }
  // A variable that is not set must not become the directory one happens to be in.
  if (directory === "") {
    throw invalid('A root is named by the path of a directory, not by an empty string. Say ".".');
  }
  const path = resolve(directory);
  try {
    if (!statSync(path).isDirectory()) {
      throw new DraftError(
        "DRAFT_ROOT_NOT_DIRECTORY",
        `Cannot open ${path}: it is not a directory. Did you mean ${dirname(path)}?`,
        { path },
      );
    }
    return realpathSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new DraftError(
        "DRAFT_ROOT_MISSING",
        `Cannot open ${path}: there is no such directory. Create it, or check the spelling of ` +
          `${basename(path)}.`,
        { path, cause: error },
      );
    }
    if (code === "EACCES" || code === "EPERM" || code === "ELOOP") {
      throw new DraftError(
        "DRAFT_ROOT_UNREADABLE",
        `Cannot open ${path}: ${code}. Check its permissions and those of its parents.`,
        { path, cause: error },
      );
    }
    throw error;
  }
}
