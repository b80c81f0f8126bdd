import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { isatty } from "node:tty";
import { homeDirectory } from "../../disk/home-directory.ts";
import { isBelow, mountsInside, readMountTable } from "../../disk/mount-table.ts";
import { stateDirectoryName } from "../../disk/state/state-directory.ts";
import { homeNoteStart } from "../sandbox-error.ts";
import type { Containment } from "../session-options.ts";
import type { BoundPlace } from "./containment-zones.ts";
import type { Denials } from "./denied-paths.ts";
import type { DeniedPath, NamespacePlan } from "./namespace-script.ts";

export interface NamespaceOptions extends Containment {
  readonly root: string;
  readonly privileged: boolean;
  readonly tree?: NamespacePlan["tree"];
  readonly uncommittedBytesMax?: number | undefined;
  readonly denials?: Denials;
}

/** What container runtimes make read-only as well. */
const kernelControls = ["sys", "sysrq-trigger", "irq", "bus", "fs"].map((name) => `/proc/${name}`);

/** What container runtimes hide as well. */
const kernelSecrets = [
  ...["acpi", "scsi", "kcore", "keys", "latency_stats", "timer_list"].map(
    (name) => `/proc/${name}`,
  ),
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

/** Gathers from this machine what the script of a namespace over `options.root` needs to know. */
export function planNamespace(options: NamespaceOptions): NamespacePlan {
  const { root } = options;
  const mounts = readMountTable();
  const isHostRoot = process.geteuid?.() === 0;
  const masked = (options.sockets ?? "masked") === "masked" ? ["/run"] : [];
  // Root's commands get a `/dev` of their own, with all that is in it.
  const own = ["/tmp", "/var/tmp", ...(isHostRoot ? [] : ["/dev/shm"])];
  const temporary = options.temporary ?? "private";
  const isPrivate = temporary === "private";
  const emptied = [...(isPrivate ? own : []), ...masked].filter((path) => isOwnPlace(path, root));
  const home = ownHome(root, emptied);
  const hasMounts = home !== undefined && mountsInside(mounts, home).length > 0;
  const wish = options.home ?? "discard";
  const discarded = wish === "discard" && !hasMounts ? home : undefined;
  const places = [
    ...(isPrivate ? [] : own.filter((path) => isOwnPlace(path, root))).map((path) => ({
      path,
      isWritable: temporary === "shared",
    })),
    ...(home === undefined || discarded !== undefined
      ? []
      : [{ path: home, isWritable: wish === "open" }]),
  ];
  const readOnlyOutside = (options.outside ?? "read-only") === "read-only";
  return {
    root,
    label: `draftfs-${randomBytes(4).toString("hex")}`,
    tree: options.tree ?? "overlay",
    privileged: options.privileged,
    rootStats: statSync(root),
    hiddenName: stateDirectoryName,
    uncommittedBytesMax: options.uncommittedBytesMax ?? Math.floor(totalmem() / 2),
    discarded,
    home,
    bound: boundPlaces(places, emptied, !readOnlyOutside),
    emptied,
    kept: keptFiles(emptied),
    readOnlyOutside,
    temporary,
    isHostRoot,
    kernelControls: isHostRoot ? kernelControls.filter((path) => existsSync(path)) : [],
    kernelSecrets: isHostRoot ? kernelSecrets.flatMap(existing) : [],
    terminal: isHostRoot ? ownTerminal() : undefined,
    loopback: options.network === "off",
    denied: options.denials?.places ?? [],
    denyRead: options.denyRead ?? [],
    deniedLinks: options.denials?.linked ?? [],
    mounts,
    notes: wish === "discard" && hasMounts ? [homeNote(home)] : [],
  };
}

function homeNote(home: string): string {
  return (
    `${homeNoteStart}${home} holds mounts, over which nothing can be laid: it is read-only ` +
    "instead of writable and thrown away."
  );
}

/** Those that differ from what lies around them, outer ones first. */
function boundPlaces(
  places: readonly BoundPlace[],
  emptied: readonly string[],
  isOpen: boolean,
): BoundPlace[] {
  const bound: BoundPlace[] = [];
  for (const place of [...places].sort((a, b) => a.path.length - b.path.length)) {
    const around = bound.findLast(({ path }) => isBelow(place.path, path));
    const isHidden = emptied.some((directory) => isBelow(place.path, directory));
    if (isHidden || (around?.isWritable ?? isOpen) !== place.isWritable) bound.push(place);
  }
  return bound;
}

function existing(path: string): DeniedPath[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? [] : [{ path, kind: stats.isDirectory() ? "directory" : "file" }];
}

/** The terminal that a command gets when it gets our streams. */
function ownTerminal(): string | undefined {
  try {
    const descriptor = [0, 1, 2].find((number) => isatty(number));
    const path = descriptor === undefined ? "" : readlinkSync(`/proc/self/fd/${descriptor}`);
    return /^\/dev\/(pts\/\d+|tty\w*|console)$/.test(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** A directory that exists under this very name (`/var/run` may be a link) and is not the root. */
function isOwnPlace(path: string, root: string): boolean {
  try {
    return realpathSync(path) === path && !isBelow(path, root);
  } catch {
    return false;
  }
}

/** The home directory, where it is neither the whole disk, nor in the tree, nor private anyway. */
function ownHome(root: string, emptied: readonly string[]): string | undefined {
  const home = homeDirectory();
  if (home === undefined || home === "/" || isBelow(home, root)) return undefined;
  return emptied.includes(home) ? undefined : home;
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
