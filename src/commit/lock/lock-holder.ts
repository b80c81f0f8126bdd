import type { Disk } from "../../disk/disk.ts";
import type { ProcessIdentity } from "../../disk/process-identity.ts";
import { holderFileOf } from "./lock-names.ts";

/** Who has a lock, as its file says. */
export interface Holder extends ProcessIdentity {
  /** Random; identifies one taking of the lock. */
  readonly token: string;
  /**
   * Says that the holder keeps this very file locked in the kernel from before it was put in place
   * until after it is given back, and what the kernel knows the file by. Without it, nothing
   * follows from the kernel's saying that nobody has locked it.
   */
  readonly kernelLock?: string;
}

/** @returns `undefined` where nobody has the lock. */
export function readHolder(disk: Disk, path: string): Holder | undefined {
  const file = holderFileOf(disk, path);
  if (file === undefined) return undefined;
  try {
    return parseHolder(disk.readFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    const torn = disk.lstat(file);
    return torn && tornHolder(torn.ino);
  }
}

/** @throws {SyntaxError} for what is no JSON. */
export function parseHolder(bytes: Buffer): Holder {
  const parsed: unknown = JSON.parse(bytes.toString("utf8"));
  return isHolder(parsed) ? parsed : unknownHolder;
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const { pid, token } = value as Partial<Holder>;
  // The token becomes part of a name.
  return Number.isSafeInteger(pid) && typeof token === "string" && /^\w+$/.test(token);
}

/** A lock that we did not write: its holder cannot be judged. */
const unknownHolder: Holder = {
  pid: 0,
  startTime: "",
  bootId: "",
  pidNamespace: "",
  host: "",
  token: "unknown",
};

/**
 * A lock file is linked in place whole, so an empty one was whole before the power went: its holder
 * died with the boot before this one. The right to a torn lock may be torn by another power cut, so
 * each torn file has a name of its own.
 */
function tornHolder(ino: bigint): Holder {
  return { ...unknownHolder, token: `torn_${ino}` };
}

export function isTorn({ token }: Holder): boolean {
  return token.startsWith("torn_");
}
