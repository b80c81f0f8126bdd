import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { projectDirectory } from "./project-directory.ts";

/**
 * Compiles a source of this directory by gcc, unless this very source has been compiled before.
 *
 * @param prefix of the name of what is made, which must not be that of another source.
 * @param flags what gcc is told beside what all are compiled with.
 * @returns the path of what was made.
 */
export function compileC(source: string, prefix: string, flags: readonly string[] = []): string {
  const path = join(projectDirectory(), "test", "support", source);
  const digest = createHash("sha1").update(fs.readFileSync(path)).digest("hex").slice(0, 12);
  const cache = join(projectDirectory(), "node_modules", ".cache", "draftfs");
  const target = join(cache, `${prefix}-${digest}`);
  if (fs.existsSync(target)) return target;
  fs.mkdirSync(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", ...flags, "-o", unfinished, path]);
  fs.renameSync(unfinished, target);
  return target;
}
