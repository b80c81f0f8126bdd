import type { Stats } from "node:fs";
import { isBelow, type MountPoint, visibleMounts } from "../../disk/mount-table.ts";
import { encodePath } from "../../disk/names.ts";
import type { Containment } from "../session-options.ts";
import { type BoundPlace, isEmptied, mountsToRestrict, placesToBind } from "./containment-zones.ts";

/** Everything that the script of a namespace depends on; gathered by `namespace-plan.ts`. */
export interface NamespacePlan {
  readonly root: string;
  /** Begins the name of every mount: no other session's begins so. */
  readonly label: string;
  /**
   * What covers the tree: the kernel's overlay, or a FUSE mount, which comes once the script is
   * ready.
   */
  readonly tree: "overlay" | "fuse";
  /** Real root: `trusted.*` attributes, directory renames, and all users mapped to themselves. */
  readonly privileged: boolean;
  /** Owner and mode of the root directory: the upper's root shows them instead of the lower's. */
  readonly rootStats: Pick<Stats, "mode" | "uid" | "gid">;
  /** Name at the top of the tree that the command must not see. */
  readonly hiddenName: string;
  readonly uncommittedBytesMax: number;
  /** Directory whose writes are thrown away, laid over itself. */
  readonly discarded: string | undefined;
  /** The home directory, where it is a place of its own. */
  readonly home: string | undefined;
  /** Directories that can be written, or not, unlike what lies around them; outer ones first. */
  readonly bound: readonly BoundPlace[];
  /** Directories that become private and empty. */
  readonly emptied: readonly string[];
  /** Private copies of files inside emptied directories: path and text. */
  readonly kept: ReadonlyMap<string, string>;
  readonly readOnlyOutside: boolean;
  readonly temporary: NonNullable<Containment["temporary"]>;
  /**
   * Whether the user is root on the host: what is kept from others by permissions (disks in `/dev`,
   * switches in `/proc`) must be kept from its commands by mounts.
   */
  readonly isHostRoot: boolean;
  /** Files under `/proc` by which root changes the running kernel: made read-only. */
  readonly kernelControls: readonly string[];
  /** Files by which root looks into the running kernel, or at the machine: made empty. */
  readonly kernelSecrets: readonly DeniedPath[];
  /** The terminal of this process, for which root's commands have no other name. */
  readonly terminal: string | undefined;
  readonly loopback: boolean;
  /** Files and directories that become unreadable. */
  readonly denied: readonly DeniedPath[];
  /** The globs that those come from. */
  readonly denyRead: readonly string[];
  /** Paths of the tree to which denied links lead. */
  readonly deniedLinks: readonly string[];
  readonly mounts: readonly MountPoint[];
  /** What could not be had as it was asked for, in plain words. */
  readonly notes: readonly string[];
}

export interface DeniedPath {
  readonly path: string;
  readonly kind: "file" | "directory";
}

/**
 * The shell script that is process 1 of a namespace.
 *
 * Descriptors: 8 the real tree, opened before it is covered and closed before any command runs;
 * 6 the home directory as it is on the host; 9 the stage (a tmpfs that lies *under* the overlay,
 * so that no path leads to it); 7 the user namespace of commands when run by root.
 * It prints `ready <pid on the host>` and then obeys one order a line: `quiesce` kills everything
 * else in the namespace. The end of its input (also when Node is killed) ends the namespace.
 */
export function namespaceScript(plan: NamespacePlan): string {
  const root = quote(plan.root);
  const lines = [
    "set -e",
    "umask 022",
    "read -r host_pid rest </proc/self/stat",
    `exec 8<${root}`,
    ...(plan.home === undefined ? [] : [`exec 6<${quote(plan.home)}`]),
    // Every program that is started costs a millisecond or two: what can goes on side by side.
    `mount -t tmpfs -o ${stageOptions(plan)} ${plan.label}-stage ${root} &`,
    "mounting=$!",
    ...(plan.privileged ? [holderStart] : []),
    "wait $mounting",
    `exec 9<${root}`,
    ...stage(plan),
    `printf '%s' ${quote(mountList(plan))} >${root}/mounts`,
    // What must be there is verified from outside by the table of mounts, not by this exit code.
    `mount -c -a -T ${root}/mounts || true`,
    // The numbers of processes are those of the namespace from here on, or nothing may go on.
    "read -r own_pid rest </proc/self/stat",
    'if [ "$own_pid" != 1 ]; then echo "cannot mount a /proc of its own" >&2; exit 1; fi',
    ...(plan.privileged ? holderEnd : []),
    ...(plan.loopback ? ["ip link set lo up 2>/dev/null || true"] : []),
    "wait $furnishing",
    "exec 8<&- 6<&-",
    'echo "ready $host_pid"',
    "while read -r order; do",
    // Orphans become children of this shell; waiting for one child reaps all that have ended.
    "  while kill -KILL -1 2>/dev/null; do sleep 0.001 & wait $! || true; done",
    '  echo "$order"',
    "done",
  ];
  return `${lines.join("\n")}\n`;
}

/** With access times, by which a harvest knows what a command may have written by a memory map. */
function stageOptions(plan: NamespacePlan): string {
  return `strictatime,mode=700,size=${plan.uncommittedBytesMax}`;
}

/**
 * The user namespace of root's commands: every user mapped to itself, so that owners can be
 * changed, but without any right over the mounts, devices and processes outside of it.
 */
const holderStart =
  "holder=$(unshare -U sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1 8<&- 6<&-' &)";

const holderEnd = [
  'echo "0 0 4294967295" >"/proc/$holder/uid_map"',
  'echo "0 0 4294967295" >"/proc/$holder/gid_map"',
  'exec 7<"/proc/$holder/ns/user"',
  'kill "$holder"',
];

/**
 * The directories of the stage, and the empty files that others are mounted over. Modes, owners and
 * links are `furnish()`'s. The root of the upper shows the times of the real root, and a whiteout.
 */
function stage(plan: NamespacePlan): string[] {
  const at = (name: string): string => quote(`${plan.root}/${name}`);
  const upper = "/proc/self/fd/9/upper";
  const places = [...ownDevices(plan).keys()].map((name) => `dev/${name}`);
  const files = ["denied-file", "probe-lower/removed/file", ...places];
  return [
    `mkdir -m 755 ${stageDirectories.map(at).join(" ")}`,
    `: ${files.map((name) => `>${at(name)}`).join(" ")}`,
    // By descriptor: meanwhile another mount may cover the name.
    `{ mknod ${upper}/${quote(plan.hiddenName)} c 0 0 && touch -r /proc/self/fd/8/. ${upper}; } &`,
    "furnishing=$!",
  ];
}

const stageDirectories = [
  "upper work home-upper home-work denied-directory",
  "probe probe-upper probe-work probe-lower probe-lower/removed",
  "dev dev/pts dev/shm",
].flatMap((line) => line.split(" "));

/**
 * All that root's commands find in `/dev` besides terminals: a disk that root may open is a way
 * around every mount. They are the host's, mounted over files: not every root may make devices.
 */
function ownDevices({ isHostRoot, terminal }: NamespacePlan): Map<string, string> {
  if (!isHostRoot) return new Map();
  const own = new Map(devices.map((name) => [name, `/dev/${name}`]));
  // The other terminals of the host are none of a command's business; its own one has this name in
  // containers too, and `ttyname` finds it there.
  if (terminal !== undefined) own.set("console", terminal);
  return own;
}

const devices = ["null", "zero", "full", "random", "urandom", "tty"];

/** The mounts that make it; their last one puts it in place. */
function deviceRows(plan: NamespacePlan): string[][] {
  if (!plan.isHostRoot) return [];
  const directory = `${plan.root}/dev`;
  const terminals = "newinstance,ptmxmode=0666,mode=620,nosuid,noexec";
  return [
    [`${plan.label}-pts`, `${directory}/pts`, "devpts", terminals],
    ...[...ownDevices(plan)].map(([name, source]) => [
      source,
      `${directory}/${name}`,
      "none",
      "bind",
    ]),
    sharedMemoryRow(plan, `${directory}/shm`),
    [directory, "/dev", "none", "rbind"],
  ];
}

function sharedMemoryRow(plan: NamespacePlan, target: string): string[] {
  const { temporary } = plan;
  if (temporary === "private") return [`${plan.label}-shm`, target, "tmpfs", emptyOptions(plan)];
  return ["/dev/shm", target, "none", temporary === "shared" ? "bind" : "bind,ro"];
}

/** Of a private directory: what lies there counts as much as what is written to the tree. */
function emptyOptions({ uncommittedBytesMax }: NamespacePlan): string {
  return `mode=1777,nosuid,nodev,size=${uncommittedBytesMax}`;
}

/**
 * Rows for `mount -a`: one process makes all mounts, which takes a third of the time. It skips what
 * is mounted already from the same source, so every source has a name that no other session uses.
 */
function mountList(plan: NamespacePlan): string {
  const attributes = plan.privileged ? "redirect_dir=on,metacopy=off,index=off" : "userxattr";
  const overlay = (lower: string, name: string): string =>
    `${attributes},lowerdir=/proc/self/fd/${lower},upperdir=/proc/self/fd/9/${name}upper,` +
    `workdir=/proc/self/fd/9/${name}work,X-mount.mkdir`;
  const probeOverlay = overlay("9/probe-lower", "probe-");
  const stage = plan.root;
  const list: string[][] = [
    [`${plan.label}-proc`, "/proc", "proc", "nosuid,nodev,noexec"],
    [`${plan.label}-probe`, `${stage}/probe`, "overlay", probeOverlay],
  ];
  list.push(...deviceRows(plan));
  // From the next row on, the stage may be covered and only its descriptor leads to it.
  for (const path of plan.emptied) {
    list.push([`${plan.label}-empty`, path, "tmpfs", emptyOptions(plan)]);
  }
  for (const { path } of placesToBind(plan)) {
    const source = path === plan.home ? "/proc/self/fd/6" : path;
    list.push([source, path, "none", "rbind,X-mount.mkdir"]);
  }
  if (plan.discarded !== undefined) {
    list.push([`${plan.label}-discarded`, plan.discarded, "overlay", overlay("6", "home-")]);
  }
  if (plan.tree === "overlay") {
    list.push([`${plan.label}-tree`, plan.root, "overlay", `strictatime,${overlay("8", "")}`]);
  } else list.push([`${plan.label}-place`, plan.root, "tmpfs", "mode=700,X-mount.mkdir"]);
  for (const { path, kind } of deniedByMounts(plan)) {
    list.push([`/proc/self/fd/9/denied-${kind}`, path, "none", "bind"]);
  }
  for (const path of plan.kernelControls) list.push([path, path, "none", "bind,ro"]);
  for (const mount of mountsToRestrict(plan)) {
    list.push(["none", mount.path, "none", remountFlags(mount)]);
  }
  if (plan.readOnlyOutside) list.push(...readOnlyRoot(plan));
  return list.map((row) => `${row.map(escapeField).join(" ")} 0 0\n`).join("");
}

/**
 * What is covered by an empty file or directory. Not where nothing of the host is left, and not in
 * a tree that is served: the FUSE server refuses by itself, and its mount would cover these.
 */
export function deniedByMounts(plan: NamespacePlan): DeniedPath[] {
  const isServed = ({ path }: DeniedPath) => plan.tree !== "overlay" && isBelow(path, plan.root);
  return [
    ...plan.denied.filter((denied) => !isServed(denied) && !isEmptied(plan, denied.path)),
    ...plan.kernelSecrets,
  ];
}

/** `mount -a` leaves `/` alone, by that name. */
function readOnlyRoot(plan: NamespacePlan): string[][] {
  const mount = visibleMounts(plan.mounts).find(({ path }) => path === "/");
  if (mount === undefined || mount.flags.includes("ro")) return [];
  return [["none", "/.", "none", remountFlags(mount)]];
}

/** In a user namespace the flags of a mount are locked: leaving one out is refused. */
function remountFlags(mount: Pick<MountPoint, "flags">): string {
  const locked = ["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"];
  return ["remount", "bind", "ro", ...mount.flags.filter((flag) => locked.includes(flag))].join(
    ",",
  );
}

/** One word of a shell command. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** One field of an fstab row; of a path that is not UTF-8, each byte beyond ASCII is escaped. */
function escapeField(text: string): string {
  const exact = encodePath(text);
  const [plain, special] =
    typeof exact === "string"
      ? [exact, /[\s\\#]/g]
      : [exact.toString("latin1"), /[\s\\#\x80-\xff]/g];
  return plain.replace(
    special,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}
