import fs from "node:fs";
import { join } from "node:path";

const filesPerDirectory = 50;

/** Makes a tree of so many empty files, 50 to a directory and 50 directories to another. */
export function makeEmptyFiles(root: string, count: number): void {
  let directory = root;
  for (let index = 0; index < count; index++) {
    if (index % filesPerDirectory === 0) {
      const number = index / filesPerDirectory;
      directory = join(root, `area-${Math.floor(number / filesPerDirectory)}`, `group-${number}`);
      fs.mkdirSync(directory, { recursive: true });
    }
    fs.closeSync(fs.openSync(join(directory, `file-${index}`), "wx"));
  }
}
