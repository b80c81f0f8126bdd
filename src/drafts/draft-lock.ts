import type { Disk } from "../disk/disk.ts";
import { type HeldLock, type LockHolder, takeLock } from "../disk/lock-file.ts";
import { ensureStateDirectory, type StateDirectory } from "../disk/state-directory.ts";
import { DraftError } from "../errors.ts";

/**
 * Takes the lock of the draft `name` for as long as this process changes it.
 *
 * @throws {DraftError} `DRAFT_LOCKED` at once when another process has it.
 */
export function holdDraftLock(disk: Disk, state: StateDirectory, name: string): HeldLock {
  const directory = `${state.drafts}/${name}`;
  const path = `${directory}/lock`;
  const lock = takeLockIn(disk, state, directory, path);
  if ("release" in lock) return lock;
  const { identity } = lock;
  const who =
    identity === undefined ? "another process" : `process ${identity.pid} on ${identity.host}`;
  throw new DraftError(
    "DRAFT_LOCKED",
    `The draft ${name} is in use by ${who}. Wait for it to end, or use another draft with ` +
      `--draft NAME. If you are sure that it has ended, remove ${path}.`,
    { path, details: { draft: name, holder: identity ?? null } },
  );
}

/** A process that closes an empty draft removes its directory, perhaps right after we made it. */
function takeLockIn(
  disk: Disk,
  state: StateDirectory,
  directory: string,
  path: string,
): HeldLock | LockHolder {
  ensureStateDirectory(disk, state);
  for (let attempt = 1; ; attempt++) {
    try {
      makeDirectory(disk, directory);
      return takeLock(disk, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt === 10) throw error;
    }
  }
}

function makeDirectory(disk: Disk, path: string): void {
  try {
    disk.mkdir(path, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
