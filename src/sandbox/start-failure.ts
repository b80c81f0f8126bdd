import { isDraftError, reasonOf } from "../errors.ts";

/** Why an engine did not start, as far as something follows from it. */
export type FailureKind =
  /** The kernel, or who guards it, does not let this user make a namespace or a mount. */
  | "not-allowed"
  /** This user may not open `/dev/fuse`. */
  | "device-refused"
  /** There is no FUSE here. */
  | "device-missing"
  | "tool-missing"
  | "tool-too-old"
  /** The kernel does not mount what was asked for over this file system. */
  | "unmountable"
  | "wrong-system"
  /** No more user namespaces: none are allowed, or others use them. */
  | "namespaces-used-up"
  /** This process may not open more files. */
  | "files-used-up"
  /** Memory, processes, all files of the system: what ends when somebody else gives some back. */
  | "scarce"
  | "mounts-inside"
  /** A copy of the tree gives no containment. */
  | "cannot-contain"
  /** A copy of the tree holds nothing back. */
  | "cannot-enforce"
  | "unknown";

/** Thrown where an engine cannot start. */
export class StartFailure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  /** One that a tool told of, in its words. */
  static told(words: string, options?: ErrorOptions): StartFailure {
    return new StartFailure(kindOfWords(words), words, options);
  }

  /** One that was met on the way, with what the tools have complained of, if anything. */
  static met(error: unknown, complaint: string): StartFailure {
    if (complaint !== "") return StartFailure.told(complaint, { cause: error });
    return new StartFailure(kindOfError(error), reasonOf(error), { cause: error });
  }
}

export function kindOfError(error: unknown): FailureKind {
  if (error instanceof StartFailure) return error.kind;
  if (isDraftError(error) && error.cause !== undefined) return kindOfError(error.cause);
  return kindsByCode.get((error as NodeJS.ErrnoException | undefined)?.code) ?? "unknown";
}

const kindsByCode: ReadonlyMap<unknown, FailureKind> = new Map([
  ["ENOENT", "tool-missing"],
  ["EPERM", "not-allowed"],
  ["EACCES", "not-allowed"],
  ["ENODEV", "device-missing"],
  ["EMFILE", "files-used-up"],
  ...["ENOMEM", "ENOSPC", "ENFILE", "EAGAIN", "EBUSY", "EINTR"].map(
    (code) => [code, "scarce"] as const,
  ),
]);

/**
 * The kind of a failure that only a tool's words tell of, which are those of util-linux, the shell
 * and the C library (`LC_ALL=C`). Several of them may have complained: what passes comes first,
 * because it may have led to the others.
 */
export function kindOfWords(words: string): FailureKind {
  return wordings.find(([pattern]) => pattern.test(words))?.[1] ?? "unknown";
}

const refusal = "Operation not permitted|Permission denied|EPERM|EACCES";

const wordings: readonly (readonly [RegExp, FailureKind])[] = [
  [/No space left/, "namespaces-used-up"],
  [/Too many open files(?! in system)|EMFILE/, "files-used-up"],
  [/Cannot allocate memory|Too many open files|temporarily unavailable|busy/, "scarce"],
  [/ENOMEM|ENOSPC|ENFILE|EAGAIN|EBUSY|Interrupted|EINTR/, "scarce"],
  [new RegExp(`^(?=.*/dev/fuse).*(${refusal})`, "s"), "device-refused"],
  [/\/dev\/fuse|unknown filesystem type 'fuse'|No such device/, "device-missing"],
  [/ENOENT|not found/, "tool-missing"],
  [/unrecognized option|invalid option|unknown option/i, "tool-too-old"],
  [new RegExp(refusal), "not-allowed"],
  [/wrong fs type|unknown filesystem type/, "unmountable"],
];
