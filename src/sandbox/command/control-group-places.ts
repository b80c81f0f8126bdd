import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { GroupResource } from "./control-group.ts";

/** A group in which another one could be made, if this user may. */
export interface ControlGroupPlace {
  readonly parent: string;
  readonly version: 1 | 2;
  readonly resources: readonly GroupResource[];
}

/** Where this process could make a group below those that bound it already, best first. */
export function controlGroupPlaces(): ControlGroupPlace[] {
  try {
    return placesIn(
      readFileSync("/proc/self/mountinfo", "utf8"),
      readFileSync("/proc/self/cgroup", "utf8"),
    );
  } catch {
    // Not Linux, or a kernel without control groups.
    return [];
  }
}

/**
 * The places that two tables of the kernel speak of.
 *
 * @param mounts `/proc/self/mountinfo`.
 * @param memberships `/proc/self/cgroup`.
 */
export function placesIn(mounts: string, memberships: string): ControlGroupPlace[] {
  const own = new Map<string, string>();
  for (const line of memberships.split("\n")) {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of names?.split(",") ?? []) own.set(name, path ?? "/");
  }
  return mounts.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , top = "/", mountPoint = ""] = before.split(" ");
    const [kind, , options = ""] = after.split(" ");
    const placeOf = (name: string): string => {
      const path = own.get(name) ?? "/";
      return join(mountPoint, top !== "/" && path.startsWith(top) ? path.slice(top.length) : path);
    };
    if (kind === "cgroup2") return unifiedPlaces(mountPoint, placeOf(""));
    // Of the older hierarchies only this one works alike.
    if (kind !== "cgroup" || !options.split(",").includes("pids")) return [];
    return [{ parent: placeOf("pids"), version: 1, resources: ["processes"] }];
  });
}

/**
 * Below our own group first, so that its limits hold as well. Where that one may not delegate since
 * it holds processes (ours), beside it: the group above often belongs to the user's own manager.
 */
function unifiedPlaces(mountPoint: string, own: string): ControlGroupPlace[] {
  const parents = own === mountPoint ? [own] : [own, dirname(own)];
  return parents.flatMap((parent) => {
    const available = controllersOf(parent);
    const resources = (["memory", "processes"] as const).filter((resource) =>
      available.includes(resource === "memory" ? "memory" : "pids"),
    );
    return resources.length === 0 ? [] : [{ parent, version: 2 as const, resources }];
  });
}

function controllersOf(directory: string): string[] {
  try {
    return readFileSync(join(directory, "cgroup.controllers"), "utf8").trim().split(" ");
  } catch {
    return [];
  }
}
