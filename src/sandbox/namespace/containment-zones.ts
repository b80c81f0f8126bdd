import { isBelow, type MountPoint, visibleMounts } from "../../disk/mount-table.ts";
import type { NamespacePlan } from "./namespace-script.ts";

/** A directory of the host that commands may write to, or not, unlike what lies around it. */
export interface BoundPlace {
  readonly path: string;
  readonly isWritable: boolean;
}

/** What becomes of the host's file systems at a place: hidden by mounts of ours, kept, or as is. */
type Fate = "hidden" | "read-only" | "open";

/** Decided by the nearest directory that something was said of. */
function fateOf(plan: NamespacePlan, path: string): Fate {
  const hidden = ["/proc", plan.root, ...plan.emptied];
  if (plan.isHostRoot) hidden.push("/dev");
  if (plan.discarded !== undefined) hidden.push(plan.discarded);
  const zones = [
    { path: "/", fate: plan.readOnlyOutside ? ("read-only" as const) : ("open" as const) },
    ...plan.bound.map((place) => ({
      path: place.path,
      fate: place.isWritable ? ("open" as const) : ("read-only" as const),
    })),
    ...hidden.map((directory) => ({ path: directory, fate: "hidden" as const })),
  ].filter((zone) => isBelow(path, zone.path));
  // The tree and the discarded home come over whatever holds them, so of equals the last.
  return zones.reduce((nearest, zone) => (zone.path.length >= nearest.path.length ? zone : nearest))
    .fate;
}

/** Places that are bound to themselves: a mount of the host changes its own flags instead. */
export function placesToBind(plan: NamespacePlan): BoundPlace[] {
  const mounts = new Set(visibleMounts(plan.mounts).map(({ path }) => path));
  return plan.bound.filter(({ path }) => !mounts.has(path) || isEmptied(plan, path));
}

/**
 * Mounts that stay reachable and must become read-only, by path and with the flags they have; `/`
 * is a row of its own. Control groups always are: their files hold the limits of a command.
 */
export function mountsToRestrict(plan: NamespacePlan): Pick<MountPoint, "path" | "flags">[] {
  const mounts = visibleMounts(plan.mounts);
  const ofHost = mounts.filter((mount) => {
    if (mount.path === "/" || mount.flags.includes("ro")) return false;
    const fate = fateOf(plan, mount.path);
    return fate === "read-only" || (fate === "open" && mount.fileSystem.startsWith("cgroup"));
  });
  const bound = placesToBind(plan)
    .filter(({ isWritable }) => !isWritable)
    .map(({ path }) => ({ path, flags: mountOf(mounts, path)?.flags ?? [] }));
  return [...ofHost, ...bound];
}

/** The mount that a path lies on. */
function mountOf(mounts: readonly MountPoint[], path: string): MountPoint | undefined {
  return mounts
    .filter((mount) => isBelow(path, mount.path))
    .reduce<MountPoint | undefined>(
      (nearest, mount) => (mount.path.length >= (nearest?.path.length ?? 0) ? mount : nearest),
      undefined,
    );
}

/** Whether nothing of the host is at a path any more, since a directory above it is empty. */
export function isEmptied(plan: NamespacePlan, path: string): boolean {
  const shown = [plan.root, plan.discarded, ...plan.bound.map((place) => place.path)];
  const nearest = (directories: readonly (string | undefined)[]): number =>
    Math.max(
      -1,
      ...directories.map((directory) =>
        directory !== undefined && isBelow(path, directory) ? directory.length : -1,
      ),
    );
  return nearest(plan.emptied) > nearest(shown.filter((directory) => directory !== path));
}
