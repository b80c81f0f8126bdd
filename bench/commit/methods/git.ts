import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { allKinds, type Method } from "../method.ts";

/** `git add -A && git commit` of files that have been written already, made durable by fsyncs. */
export const durableGit: Method = gitMethod("git add + commit, core.fsync=all", [
  ...["-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"],
]);

/** The same as git does it by itself, which is without any fsync of loose objects and refs. */
export const defaultGit: Method = gitMethod("git add + commit, default (not durable)", []);

function gitMethod(name: string, settings: readonly string[]): Method {
  return {
    name,
    kinds: allKinds,
    async open(work) {
      const git = (...args: string[]) =>
        execFileSync("git", [...identity, ...settings, ...args], {
          cwd: work.root,
          stdio: ["ignore", "ignore", "pipe"],
        });
      git("init", "-q");
      git("add", "-A");
      git("commit", "-q", "--allow-empty", "-m", "before");
      for (const { path, text } of work.files) {
        if (work.kind === "delete") fs.unlinkSync(join(work.root, path));
        else fs.writeFileSync(join(work.root, path), text);
      }
      return {
        async run() {
          git("add", "-A");
          git("commit", "-q", "-m", "after");
        },
        close: async () => undefined,
      };
    },
  };
}

const identity = [
  ...["-c", "user.name=Bench", "-c", "user.email=bench@localhost"],
  ...["-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "commit.gpgSign=false"],
];
