import { readFileSync } from "node:fs";
import { insideSandbox, isInsideSandbox } from "../disk/inside-sandbox.ts";
import { descriptorAdvice } from "../disk/node/descriptor-limit.ts";
import { DraftError } from "../errors.ts";
import { wayTo } from "../ways.ts";
import type { FailureKind } from "./start-failure.ts";

/** How a note begins that says why the home directory is not as it was asked for. */
export const homeNoteStart = "The home directory ";

/** One way to isolate that was tried, and why it did not work. */
export interface IsolationAttempt {
  readonly engine: string;
  readonly reason: string;
  /** What to install or allow. */
  readonly remedy: string;
}

/** The profile that Ubuntu 23.10 and later want before a program may make a user namespace. */
export const appArmorProfile = `abi <abi/4.0>,
include <tunables/global>
profile draftfs-unshare /usr/bin/unshare flags=(unconfined) {
  userns,
}
`;

/** Remedies as indented lines: what helps several engines is told in full once. */
export class RemediesTold {
  readonly #engines = new Map<string, string>();

  linesOf(engine: string, remedy: string): string {
    const told = this.#engines.get(remedy);
    if (told === undefined) this.#engines.set(remedy, engine);
    const text = told === undefined ? remedy : `What helps is the same as for ${told}.`;
    return `    ${text.trimEnd().replace(/\n/g, "\n    ")}`;
  }
}

/** No engine reaches the isolation that was asked for. Nothing was run. */
export function isolationError(root: string, attempts: readonly IsolationAttempt[]): DraftError {
  const told = new RemediesTold();
  const lines = attempts.map(
    ({ engine, reason, remedy }) => `  ${engine}: ${reason}\n${told.linesOf(engine, remedy)}`,
  );
  return new DraftError(
    "DRAFT_ISOLATION",
    `Cannot isolate a command from ${root}, so it was not run. Tried:\n${lines.join("\n")}`,
    { path: root, details: { attempts } },
  );
}

/**
 * What to do about an engine that did not start.
 *
 * @param isRestricted whether AppArmor keeps user namespaces from programs without a profile.
 * @param isNested whether this process is in a sandbox already.
 */
export function remedyFor(
  kind: FailureKind,
  isRestricted: boolean = isUsernsRestricted(),
  isNested: boolean = isInsideSandbox(),
): string {
  if (isNested && kind !== "cannot-contain" && kind !== "cannot-enforce") return nested;
  const remedy = remedyOf(kind);
  if (!isRestricted || remedy.includes(appArmorProfile)) return remedy;
  return `${remedy}\nAppArmor restricts user namespaces here. ${profileAdvice}`;
}

const profileAdvice =
  "Write this to /etc/apparmor.d/draftfs-unshare and run apparmor_parser -r on it:\n" +
  appArmorProfile;

const nested =
  `${insideSandbox}, which may be allowed no sandbox of its own. What it changes in its tree is ` +
  "pending already: run the command itself, without draftfs, or start draftfs outside of it.";

/** What is told of a failure that is not known. */
export const seeDoctor = "See `draftfs doctor`.";

function remedyOf(kind: FailureKind): string {
  switch (kind) {
    case "cannot-contain":
      return "Leave those options away, or use an engine that enforces isolation.";
    case "cannot-enforce":
      return (
        `It is taken with ${wayTo("cooperative")}. Then nothing holds back ` +
        "a command that writes to the tree, or anywhere else, by an absolute path."
      );
    case "mounts-inside":
      return "The engine fuse shows them, where /dev/fuse may be opened; or unmount them.";
    case "device-refused":
      return (
        'This user may not open /dev/fuse. Write KERNEL=="fuse", MODE="0666" to ' +
        "/etc/udev/rules.d/99-fuse.rules and run udevadm trigger, or chmod 666 /dev/fuse. In " +
        "Docker or Podman: run the container with --device /dev/fuse."
      );
    case "device-missing":
      return (
        "There is no FUSE here: modprobe fuse. In Docker or Podman: run the container with " +
        "--device /dev/fuse."
      );
    case "tool-missing":
      return "Install util-linux (Debian, Ubuntu, Fedora: util-linux; Alpine: apk add util-linux).";
    case "tool-too-old":
      return "This unshare is too old or busybox's; install util-linux 2.36 or later.";
    case "namespaces-used-up":
      return "User namespaces are switched off: sysctl -w user.max_user_namespaces=15000.";
    case "not-allowed":
      return (
        "Unprivileged user namespaces are not allowed here. On Ubuntu 23.10 and later: " +
        `${profileAdvice}On Debian: sysctl -w kernel.unprivileged_userns_clone=1. ` +
        "In Docker or Podman: run the container with --security-opt seccomp=unconfined " +
        "--cap-add SYS_ADMIN."
      );
    case "files-used-up":
      return descriptorAdvice();
    case "unmountable":
    case "wrong-system":
    case "scarce":
    case "unknown":
      return seeDoctor;
  }
}

function isUsernsRestricted(): boolean {
  try {
    const path = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    return readFileSync(path, "latin1").trim() === "1";
  } catch {
    // Not Linux, or a kernel without that switch.
    return false;
  }
}
