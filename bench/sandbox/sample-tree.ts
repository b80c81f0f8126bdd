import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";

/** A repository of `files` small files in directories of a hundred, in a directory of its own. */
export function sampleTree(files: number): { readonly root: string; remove(): void } {
  const root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-bench-")));
  for (let index = 0; index < files; index++) {
    const directory = join(root, `d${Math.floor(index / 100)}`);
    if (index % 100 === 0) fs.mkdirSync(directory);
    fs.writeFileSync(join(directory, `f${index}.txt`), `file ${index}\n`.repeat(30));
  }
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, ...args], { stdio: "ignore" });
  git("init", "-q");
  git("config", "user.email", "bench@example.invalid");
  git("config", "user.name", "bench");
  // Nothing shall go on in there later.
  git("config", "maintenance.auto", "false");
  git("config", "gc.auto", "0");
  git("add", "-A");
  git("commit", "-qm", "one");
  return { root, remove: () => fs.rmSync(root, { recursive: true, force: true }) };
}
