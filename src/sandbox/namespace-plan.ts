import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { homedir, totalmem } from "node:os";
import { stateDirectoryName } from "../disk/state-directory.ts";
import { isBelow, type MountPoint, mountsInside, readMountTable } from "./mount-table.ts";
import type { DeniedPath, NamespacePlan } from "./namespace-script.ts";
import type { Containment } from "./session-options.ts";

export interface NamespaceOptions extends Containment {
  readonly root: string;
  readonly privileged: boolean;
  readonly tree?: NamespacePlan["tree"];
  readonly uncommittedBytesMax?: number | undefined;
  readonly denied?: readonly DeniedPath[];
}

/** What container runtimes make read-only as well. */
const kernelControls = ["sys", "sysrq-trigger", "irq", "bus", "fs"].map((name) => `/proc/${name}`);

/** Gathers from this machine what the script of a namespace over `options.root` needs to know. */
export function planNamespace(options: NamespaceOptions): NamespacePlan {
  const { root } = options;
  const mounts = readMountTable();
  const isHostRoot = process.geteuid?.() === 0;
  const masked = (options.sockets ?? "masked") === "masked" ? ["/run"] : [];
  const temporary =
    (options.temporary ?? "private") === "private" ? ["/tmp", "/var/tmp", "/dev/shm"] : [];
  // Root's commands get a `/dev` of their own, with all that is in it.
  const own = isHostRoot ? temporary.filter((path) => path !== "/dev/shm") : temporary;
  const emptied = [...own, ...masked].filter((path) => isOwnDirectory(path, root));
  return {
    root,
    label: `draftfs-${randomBytes(4).toString("hex")}`,
    tree: options.tree ?? "overlay",
    privileged: options.privileged,
    rootStats: statSync(root),
    hiddenName: stateDirectoryName,
    uncommittedBytesMax: options.uncommittedBytesMax ?? Math.floor(totalmem() / 2),
    discarded: discardedHome(options, mounts),
    emptied,
    kept: keptFiles(emptied),
    readOnlyOutside: (options.outside ?? "read-only") === "read-only",
    isHostRoot,
    kernelControls: isHostRoot ? kernelControls.filter((path) => existsSync(path)) : [],
    loopback: options.network === "off",
    denied: options.denied ?? [],
    denyRead: options.denyRead ?? [],
    mounts,
  };
}

/** A directory that exists under this very name (`/var/run` may be a link) and is not the root. */
function isOwnDirectory(path: string, root: string): boolean {
  try {
    return realpathSync(path) === path && !isBelow(path, root);
  } catch {
    return false;
  }
}

/** The home directory, when it can be laid over: a mount inside of it would be refused or lost. */
function discardedHome(options: NamespaceOptions, mounts: MountPoint[]): string | undefined {
  if ((options.home ?? "discard") !== "discard") return undefined;
  const home = realHome();
  if (home === undefined || home === "/" || isBelow(home, options.root)) return undefined;
  return mountsInside(mounts, home).length > 0 ? undefined : home;
}

function realHome(): string | undefined {
  try {
    return realpathSync(homedir());
  } catch {
    return undefined;
  }
}

/** Names are resolved through a file that some systems keep in `/run`; without it none is. */
function keptFiles(emptied: readonly string[]): Map<string, string> {
  try {
    const path = realpathSync("/etc/resolv.conf");
    if (emptied.some((directory) => isBelow(path, directory))) {
      return new Map([[path, readFileSync(path, "utf8")]]);
    }
  } catch {
    // There is none, or it leads nowhere: nothing to keep.
  }
  return new Map();
}
