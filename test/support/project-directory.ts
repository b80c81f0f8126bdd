import fs from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of this project, also for code that was compiled to somewhere below it. */
export function projectDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!isProject(directory)) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error("This code does not lie inside the project.");
    directory = parent;
  }
  return directory;
}

function isProject(directory: string): boolean {
  const path = join(directory, "package.json");
  return fs.existsSync(path) && JSON.parse(fs.readFileSync(path, "utf8")).name === "draftfs";
}
