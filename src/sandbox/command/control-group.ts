import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type ControlGroupPlace, controlGroupPlaces } from "./control-group-places.ts";

/** What a control group can bound for all processes of a command together. */
export type GroupResource = "memory" | "processes";

/** Bounds of a group: bytes of memory, number of processes. */
export type GroupLimits = Readonly<Partial<Record<GroupResource, number>>>;

const prefix = "draftfs-";
/** Name of the group that holds the processes. */
const below = "command";
let lastNumber = 0;

/**
 * A control group for one command: the kernel bounds all its processes together, whatever they do
 * with their own limits. Linux documents the files in `admin-guide/cgroup-v2.rst`.
 *
 * Invariant: the group is empty or holds processes of one command only; it is removed once they
 * have ended, by the next one when its owner was killed. The processes are in a group below the one
 * with the limits: in namespaces of its own a command can mount the groups from its own one down,
 * and root may write to what it sees there.
 */
export class ControlGroup {
  readonly #members: ReadonlyMap<GroupResource, string>;

  private constructor(members: ReadonlyMap<GroupResource, string>) {
    this.#members = members;
  }

  /**
   * Makes a group with those of the limits that this user can have here; {@link resources} tells
   * which these are.
   *
   * @param places where groups may be made; those of this machine by default.
   */
  static open(limits: GroupLimits, places?: readonly ControlGroupPlace[]): ControlGroup {
    const members = new Map<GroupResource, string>();
    const wanted = new Set(Object.keys(limits) as GroupResource[]);
    if (wanted.size === 0) return new ControlGroup(members);
    for (const place of places ?? controlGroupPlaces()) {
      const mine = place.resources.filter((resource) => wanted.has(resource));
      if (mine.length === 0) continue;
      const directory = makeGroup(place, mine, limits);
      if (directory === undefined) continue;
      for (const resource of mine) {
        members.set(resource, directory);
        wanted.delete(resource);
      }
    }
    return new ControlGroup(members);
  }

  /** What the group bounds. */
  get resources(): ReadonlySet<GroupResource> {
    return new Set(this.#members.keys());
  }

  /** The words that put what follows them, and all its children, into the group. */
  get words(): string[] {
    const directories = this.#directories().map((directory) => join(directory, below));
    if (directories.length === 0) return [];
    const script =
      'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 125; shift; done; shift; ' +
      'exec "$@"';
    return ["/bin/sh", "-c", script, "draftfs", ...directories, "--"];
  }

  /** Whether the kernel has refused or killed something because of the limit. */
  isReached(resource: GroupResource): boolean {
    const directory = this.#members.get(resource);
    if (directory === undefined) return false;
    const [file, key] =
      resource === "processes" ? ["pids.events", "max"] : ["memory.events", "oom_kill"];
    // Before Linux 6.11 the group that was refused a process counts it, not the one with the limit.
    return [directory, join(directory, below)].some((place) => {
      const line = new RegExp(`^${key} (\\d+)$`, "m").exec(readText(join(place, file)));
      return Number(line?.[1] ?? 0) > 0;
    });
  }

  /** @returns whether it is gone; it is not while a process lives in it. */
  remove(): boolean {
    return this.#directories().map(removeGroup).every(Boolean);
  }

  #directories(): string[] {
    return [...new Set(this.#members.values())];
  }
}

function makeGroup(
  place: ControlGroupPlace,
  resources: readonly GroupResource[],
  limits: GroupLimits,
): string | undefined {
  const directory = join(place.parent, `${prefix}${process.pid}-${++lastNumber}`);
  try {
    // Whoever moves a process needs the right to write here as well.
    accessSync(join(place.parent, "cgroup.procs"), constants.W_OK);
    removeAbandoned(place.parent);
    if (place.version === 2) delegate(place.parent, resources);
    mkdirSync(directory);
    for (const resource of resources) writeLimit(directory, resource, limits[resource] ?? 0);
    if (place.version === 2) delegate(directory, resources);
    mkdirSync(join(directory, below));
    return directory;
  } catch {
    // Not for this user, or not here: the next place may do.
    removeGroup(directory);
    return undefined;
  }
}

const controllers = { memory: "memory", processes: "pids" } as const;

/** Lets groups below `parent` have limits: refused where it holds processes itself. */
function delegate(parent: string, resources: readonly GroupResource[]): void {
  const file = join(parent, "cgroup.subtree_control");
  const enabled = readText(file).split(/\s+/);
  const missing = resources.map((resource) => controllers[resource]);
  for (const controller of missing.filter((name) => !enabled.includes(name))) {
    writeFileSync(file, `+${controller}`);
  }
}

function writeLimit(directory: string, resource: GroupResource, amount: number): void {
  if (resource === "processes") {
    // The launcher, which waits for the command, is in the group as well.
    writeFileSync(join(directory, "pids.max"), String(amount + 1));
    return;
  }
  writeFileSync(join(directory, "memory.max"), String(amount));
  const swap = join(directory, "memory.swap.max");
  if (existsSync(swap)) writeFileSync(swap, "0");
}

/** Groups whose owner was killed before it could remove them. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^draftfs-(\d+)-\d+$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeGroup(join(parent, name));
  }
}

function removeGroup(directory: string): boolean {
  // A command may have made groups of its own below.
  const inner = existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [];
  for (const entry of inner) if (entry.isDirectory()) removeGroup(join(directory, entry.name));
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
