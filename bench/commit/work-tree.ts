import fs from "node:fs";
import { dirname, join } from "node:path";
import { makeTextFiles } from "../lib/text-files.ts";
import type { Work, WorkKind } from "./method.ts";

/** Makes the tree that work starts from: files of another version for what is to be changed. */
export function prepareWork(root: string, kind: WorkKind, files: number, version: number): Work {
  fs.mkdirSync(root);
  for (const { path, text } of makeTextFiles(files, version + 0.5)) {
    fs.mkdirSync(dirname(join(root, path)), { recursive: true });
    if (kind !== "create") fs.writeFileSync(join(root, path), text);
  }
  return { root, kind, files: makeTextFiles(files, version) };
}

/** @throws when the work has not been done: a method that did not do it has no time. */
export function checkWork({ root, kind, files }: Work): void {
  for (const { path, text } of files) {
    const target = join(root, path);
    if (kind === "delete" ? fs.existsSync(target) : fs.readFileSync(target, "utf8") !== text) {
      throw new Error(`${target} is not what it should be after ${kind}.`);
    }
  }
}
