import { errorOfCall } from "../file-system-error.ts";
import { shownPath } from "./arguments.ts";

/** Runs an operation and gives what it throws the form of Node's error for this call. */
export function attempt<T>(syscall: string, path: unknown, dest: unknown, run: () => T): T {
  try {
    return run();
  } catch (caught) {
    throw errorOfCall(caught, {
      syscall,
      path: path === undefined ? undefined : shownPath(path),
      dest: dest === undefined ? undefined : shownPath(dest),
    });
  }
}

/** Like {@link attempt}, for calls on descriptors: their errors name no path. */
export function attemptOn<T>(syscall: string, run: () => T): T {
  return attempt(syscall, undefined, undefined, run);
}
