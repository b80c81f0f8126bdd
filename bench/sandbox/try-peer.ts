import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";

/**
 * What binpash/try does for every command, for one tree: a directory of its own, a mount namespace,
 * the kernel's overlay over the tree, the command, and a list of what the upper holds then.
 */
const script = `
set -e
place=$(mktemp -d -p "$1")
mkdir "$place/upper" "$place/work"
options="lowerdir=$2,upperdir=$place/upper,workdir=$place/work"
[ "$(id -u)" = 0 ] || { user=-Ur; options="$options,userxattr"; }
unshare $user -m sh -c 'mount -t overlay -o "$1" try "$2" && cd "$2" && exec sh -c "$3"' \\
  sh "$options" "$2" "$3" || true
find "$place/upper" -printf '%y %P\\n' >"$place/summary"
rm -rf "$place"
`;

const memory = fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();

/** Whether this machine allows it. */
export function canTry(): boolean {
  const lower = fs.mkdtempSync(join(memory, "draftfs-bench-try-"));
  try {
    const words = ["-c", script, "sh", memory, lower, "echo >made"];
    const probe = spawnSync("sh", words, { encoding: "utf8" });
    return probe.status === 0 && probe.stderr === "" && fs.readdirSync(lower).length === 0;
  } finally {
    fs.rmSync(lower, { recursive: true });
  }
}

/** Runs one command like that. @returns milliseconds until the list is there. */
export function measureTry(command: string, root: string): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const words = ["-c", script, "sh", memory, root, command];
    spawn("sh", words, { stdio: "ignore" }).once("close", () =>
      resolve(performance.now() - startedMs),
    );
  });
}
