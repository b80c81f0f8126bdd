import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { engineVerdictMs } from "../../limits.ts";
import type { IsolationAttempt } from "../sandbox-error.ts";
import type { Containment, Engine, SessionOptions } from "../session-options.ts";
import type { FailureKind } from "../start-failure.ts";

/** What a tree's engines are judged by: a verdict on one says nothing about another. */
export interface Circumstances {
  readonly root: string;
  /** The file system, the user, what he asks for, and what of the system decides. */
  readonly key: string;
}

/** An engine that did not start, and what kind of reason there was. */
export interface Failure {
  readonly attempt: IsolationAttempt;
  readonly kind: FailureKind;
}

interface Verdict {
  readonly attempt: IsolationAttempt;
  readonly foundMs: number;
}

/**
 * Which engines failed to start in this process for a reason that will last. A start is the only
 * probe, so without this every session would try anew what cannot work.
 *
 * Invariant: nothing is refused, and no weaker isolation taken, because of a verdict; whoever uses
 * them tries what they name before he does. So an outdated one costs an engine, not safety.
 */
export class EngineVerdicts {
  readonly #verdicts = new Map<string, Verdict>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Keeps why an engine did not start, if it is of the kind that lasts. */
  note(engine: Engine, { root, key }: Circumstances, { attempt, kind }: Failure): void {
    const { reason } = attempt;
    if (!lastingKinds.has(kind)) return;
    this.#forgetOld();
    // Another tree on the same file system may be within this user's reach, or have no such name.
    const about = reason.includes(root) ? root : undefined;
    this.#verdicts.set(idOf(engine, key, about), { attempt, foundMs: this.#nowMs() });
  }

  /** Why an engine would not start; `undefined` where that has to be found out. */
  find(engine: Engine, { root, key }: Circumstances): IsolationAttempt | undefined {
    this.#forgetOld();
    const found =
      this.#verdicts.get(idOf(engine, key, root)) ??
      this.#verdicts.get(idOf(engine, key, undefined));
    return found?.attempt;
  }

  /** An engine has started: what was found before is not so any more. */
  forget(engine: Engine, { root, key }: Circumstances): void {
    this.#verdicts.delete(idOf(engine, key, root));
    this.#verdicts.delete(idOf(engine, key, undefined));
  }

  #forgetOld(): void {
    const oldestMs = this.#nowMs() - engineVerdictMs;
    for (const [id, { foundMs }] of this.#verdicts) {
      if (foundMs <= oldestMs) this.#verdicts.delete(id);
    }
  }
}

/** @param root the only one that it is about; `undefined`: all of its file system. */
function idOf(engine: Engine, key: string, root: string | undefined): string {
  return JSON.stringify([engine, key, root ?? null]);
}

/** What stays as it is until somebody changes the system. */
const lastingKinds: ReadonlySet<FailureKind> = new Set([
  ...(["not-allowed", "device-refused", "device-missing", "tool-missing"] as const),
  ...(["tool-too-old", "unmountable", "wrong-system"] as const),
]);

const statusPath = "/proc/self/status";

/** What of the kernel's settings lets users make namespaces, and for how many. */
const settings = [
  "/proc/sys/user/max_user_namespaces",
  "/proc/sys/user/max_mnt_namespaces",
  "/proc/sys/kernel/unprivileged_userns_clone",
  "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
];

/**
 * Looks at what a start depends on and what changes only with it: not at the table of mounts,
 * in which others' come and go.
 */
export function circumstancesOf(root: string, options: SessionOptions): Circumstances {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([statSync(root, { throwIfNoEntry: false })?.dev, wishesOf(options)]));
  hash.update(JSON.stringify([process.env["PATH"], homedir()]));
  for (const path of [statusPath, ...settings]) hash.update(`${path}\0${readSetting(path)}\0`);
  const device = statSync("/dev/fuse", { throwIfNoEntry: false });
  hash.update(JSON.stringify([device?.rdev, device?.mode, device?.uid, device?.gid]));
  return { root, key: hash.digest("hex") };
}

function wishesOf(options: SessionOptions): unknown[] {
  const wishes: { [Name in keyof Required<Containment>]: unknown } = {
    outside: options.outside,
    home: options.home,
    temporary: options.temporary,
    network: options.network,
    sockets: options.sockets,
    denyRead: options.denyRead,
  };
  return [wishes, options.uncommittedBytesMax];
}

function readSetting(path: string): string {
  try {
    const text = readFileSync(path, "latin1");
    if (path !== statusPath) return text;
    // Of everything else there, memory and switches change all the time.
    return text
      .split("\n")
      .filter((line) => ownLines.test(line))
      .join("\n");
  } catch {
    // Not every kernel has every one.
    return "";
  }
}

/** Users, groups, capabilities, and filters of system calls. */
const ownLines = /^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)/;
