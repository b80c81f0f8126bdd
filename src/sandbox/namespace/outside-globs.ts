import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeName, encodePath } from "../../disk/names.ts";
import { deniedLooksMax } from "../../limits.ts";
import {
  compileGlob,
  type GlobSegment,
  globStar,
  matchesSegment,
} from "../../overlay/path/glob-pattern.ts";
import type { DeniedPath } from "./namespace-script.ts";

/**
 * What an absolute glob matches on the disk now. What this user cannot look into is left out: a
 * command of the same user cannot either.
 *
 * @throws {Error} when too many places would have to be looked at.
 */
export function existingPaths(glob: string): string[] {
  const found = new Set<string>();
  let looks = 0;
  const look = (): void => {
    looks += 1;
    if (looks <= deniedLooksMax) return;
    throw new Error(`the pattern ${glob} leads to more than ${deniedLooksMax} places: narrow it`);
  };
  const walk = (directory: string, segments: readonly GlobSegment[]): void => {
    look();
    const [segment, ...rest] = segments;
    if (segment === undefined) {
      const options = { throwIfNoEntry: false };
      if (lstatSync(encodePath(directory), options) !== undefined) found.add(directory);
      return;
    }
    if (typeof segment === "string") {
      walk(join(directory, segment), rest);
      return;
    }
    if (segment === globStar) walk(directory, rest);
    for (const entry of entriesOf(directory)) {
      const name = decodeName(entry.name);
      const path = join(directory, name);
      if (segment !== globStar) {
        if (matchesSegment(segment, name)) walk(path, rest);
      } else if (entry.isDirectory()) walk(path, segments);
    }
  };
  const plain = glob.replace(/\/+$/, "");
  for (const alternative of compileGlob(plain.replace(/^\/+/, ""), { dot: true })) {
    tolerant(() => walk("/", alternative));
  }
  return [...found];
}

/** Where a path really leads; `undefined` when it leads nowhere. */
export function realPlace(path: string): DeniedPath | undefined {
  return tolerant(() => {
    const real = realpathSync(encodePath(path), { encoding: "buffer" });
    return {
      path: decodeName(real),
      kind: statSync(real).isDirectory() ? "directory" : "file",
    } as const;
  });
}

function entriesOf(directory: string): Dirent<Buffer>[] {
  const options = { withFileTypes: true, encoding: "buffer" } as const;
  return tolerant(() => readdirSync(encodePath(directory), options)) ?? [];
}

function tolerant<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !unreachable.has(code)) throw error;
    return undefined;
  }
}

const unreachable = new Set(["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "EPERM"]);
