import fs from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "../../test/support/project-directory.ts";

/** Keeps the raw figures of a run in `bench/results/`, which is not part of the project. */
export function writeResults(name: string, results: unknown): string {
  const directory = join(projectDirectory(), "bench", "results");
  fs.mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  fs.writeFileSync(path, typeof results === "string" ? results : JSON.stringify(results, null, 1));
  return path;
}
