import { inspect } from "../calls/inspect.ts";
import { makeDirectory } from "../calls/name-changes.ts";
import type { Core } from "../core.ts";
import { codeOf, Fault } from "../file-system-error.ts";
import { attempt } from "./attempt.ts";

/** Which of the two loops that Node has behind `mkdir({ recursive: true })`. */
export type MakingForm = "sync" | "later";

/**
 * Makes a directory and all that are missing above it, as the loop behind
 * `mkdir({ recursive: true })` does. That of the callback and promise forms names the directory
 * that could not be made, the other one the whole path.
 *
 * @returns the first directory that was made, if any was.
 * @throws what the first failing `mkdir` meets, in the words of Node.
 */
export function makeDirectories(
  core: Core,
  path: string,
  mode: number,
  form: MakingForm,
): string | undefined {
  const pending = [path];
  let first: string | undefined;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const at = next;
    const isMade = attempt("mkdir", form === "later" ? at : path, undefined, () =>
      makeNext(core, at, mode, { pending, form }),
    );
    if (isMade) first ??= at;
  }
  return first;
}

interface Making {
  /** What is still to be made, the next one last. */
  readonly pending: string[];
  readonly form: MakingForm;
}

function makeNext(core: Core, path: string, mode: number, { pending, form }: Making): boolean {
  try {
    makeDirectory(core, path, mode);
    return true;
  } catch (caught) {
    const code = codeOf(caught);
    if (code === "ENOENT") {
      const parent = parentOf(path);
      if (parent === path || path === "") throw caught;
      pending.push(path, parent);
    } else if (isFinal(code)) throw caught;
    else requireDirectory(core, path, code, { pending, form });
    return false;
  }
}

function isFinal(code: string | undefined): boolean {
  return code === undefined || ["EACCES", "ENOSPC", "ENOTDIR", "EPERM"].includes(code);
}

function requireDirectory(
  core: Core,
  path: string,
  code: string | undefined,
  { pending, form }: Making,
): void {
  const isParent = code === "EEXIST" && pending.length > 0;
  let isDirectory: boolean;
  try {
    isDirectory = inspect(core, path, { follow: true, bigint: false }).isDirectory();
  } catch (caught) {
    // A link that leads nowhere is no directory either, to the loop of the later forms.
    if (!isParent || form === "sync" || codeOf(caught) === undefined) throw caught;
    isDirectory = false;
  }
  if (!isDirectory) throw new Fault(isParent ? "ENOTDIR" : "EEXIST");
}

/** Textual, as in Node: a slash at the end is taken off first. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? path : path.slice(0, Math.max(1, slash));
}
