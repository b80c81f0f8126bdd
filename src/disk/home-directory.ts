import { realpathSync } from "node:fs";
import { homedir } from "node:os";

/** The user's home directory; `undefined` where there is none. */
export function homeDirectory(): string | undefined {
  const home = homedir();
  // HOME may be set to nothing, which as a path would mean the working directory.
  if (home === "") return undefined;
  try {
    return realpathSync(home);
  } catch {
    return undefined;
  }
}
