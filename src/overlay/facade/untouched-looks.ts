import type fs from "node:fs";
import { constants } from "../../disk/lower/lower-classes.ts";
import { describeNode } from "../calls/inspect.ts";
import { type Core, untouched } from "../core.ts";
import { credentials } from "../credentials.ts";
import type { StatOptions } from "./arguments.ts";
import type { Calls } from "./calls.ts";

/** Shortcuts for looks at one name: what lies on the disk is told by one call. */
export function lookShortcuts(core: Core, calls: Calls): Pick<Calls, "stat" | "lstat" | "access"> {
  return {
    stat: statShortcut(core, calls.stat) as Calls["stat"],
    lstat: lstatShortcut(core, calls.lstat) as Calls["lstat"],
    access: accessShortcut(core, calls.access),
  };
}

/** Whether something lies on the disk; `undefined` where it takes more to tell. */
export function existsOnDisk(core: Core, path: string): boolean | undefined {
  // The disk would be asked for who the process acts for, and it is about who started it.
  if (credentials.areLent) return undefined;
  try {
    const mode = core.lower.modeAt(path);
    if (mode === undefined) return false;
    return (mode & constants.S_IFMT) === constants.S_IFLNK ? undefined : true;
  } catch {
    return undefined;
  }
}

/** Of the question whether something is there at all, which nearly all who ask mean. */
function accessShortcut(core: Core, slow: Calls["access"]): Calls["access"] {
  return (path, mode) => {
    const isPlain = (mode === undefined || mode === 0) && typeof path === "string";
    if (isPlain && core.peek(path) === untouched && existsOnDisk(core, path) === true) return;
    slow(path, mode);
  };
}

/** A file with other names needs the merged view to be understood. */
function isAlone(core: Core, stats: fs.Stats | fs.BigIntStats): boolean {
  return core.tree.linked.size === 0 || stats.nlink <= 1;
}

function statShortcut(core: Core, slow: Calls["stat"]) {
  return (path: unknown, options?: unknown): unknown => {
    const found = typeof path === "string" ? core.peek(path) : undefined;
    if (found === untouched) {
      const stats = look(core, path as string, options);
      if (stats === nothing) return undefined;
      // A link needs the merged view too.
      if (stats?.isSymbolicLink() === false && isAlone(core, stats)) return stats;
    } else if (found !== undefined && options === undefined) {
      return describeNode(core, found, false);
    }
    return slow(path as string, options);
  };
}

function lstatShortcut(core: Core, slow: Calls["lstat"]) {
  return (path: unknown, options?: unknown): unknown => {
    const found = typeof path === "string" ? core.peek(path) : undefined;
    if (found === untouched) {
      const stats = look(core, path as string, options);
      if (stats === nothing) return undefined;
      if (stats !== undefined && isAlone(core, stats)) return stats;
    } else if (found !== undefined && options === undefined) {
      return describeNode(core, found, false);
    }
    return slow(path as string, options);
  };
}

/** The answer of {@link look} where nothing lies, to who does not want an error for that. */
const nothing = Symbol("nothing");

/** What the disk says of a path; `undefined` for what is told the long way, failures included. */
function look(
  core: Core,
  path: string,
  options: unknown,
): fs.Stats | fs.BigIntStats | typeof nothing | undefined {
  try {
    if (options === undefined) return core.lower.lstat(path);
    const { bigint, throwIfNoEntry } = options as StatOptions;
    const stats = bigint === true ? core.lower.lstatExact(path) : core.lower.lstat(path);
    return stats === undefined && throwIfNoEntry === false ? nothing : stats;
  } catch {
    return undefined;
  }
}
