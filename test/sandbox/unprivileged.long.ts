import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { projectDirectory } from "../support/project-directory.ts";
import { isRoot, scratchDirectory } from "./sandbox-fixture.ts";

/** A user that is nobody on any system. */
const someone = 31_415;

/**
 * Shows this project at `$1/project` to a user who may not see or write it where it lies, with a
 * `/dev/fuse` that everybody may open, as most systems have it, and runs vitest there.
 */
const script = `
set -e
scratch=$1 project=$2 user=$3
shift 3
mount --bind "$project" "$scratch/project"
cp -a "$project/dist" "$scratch/dist"
chown -R "$user:$user" "$scratch/dist"
mount --bind "$scratch/dist" "$scratch/project/dist"
for cache in .cache .vite .vite-temp; do
  mkdir -p "$project/node_modules/$cache"
  mount -t tmpfs -o mode=1777 draftfs-test "$scratch/project/node_modules/$cache"
done
# As root these tests meet an ordinary file system; who runs them makes no difference to that.
mount -t tmpfs -o mode=1777 draftfs-test "$scratch/tmp"
if [ -e /dev/fuse ]; then
  mount -t tmpfs -o mode=755 draftfs-test "$scratch/device"
  mknod "$scratch/device/fuse" c 10 229
  chmod 666 "$scratch/device/fuse"
  mount --bind "$scratch/device/fuse" /dev/fuse
fi
cd "$scratch/project"
export HOME="$scratch/home" TMPDIR="$scratch/tmp"
exec setpriv --reuid="$user" --regid="$user" --clear-groups -- \\
  "$NODE" node_modules/vitest/vitest.mjs run "$@"
`;

function runAsSomeone(words: readonly string[]): string {
  // He cannot: what he is shown belongs to others.
  buildCommandLine();
  const scratch = scratchDirectory();
  for (const name of ["project", "device", "home", "tmp"]) {
    mkdirSync(join(scratch, name), { mode: 0o777 });
  }
  spawnSync("chmod", ["755", scratch]);
  spawnSync("chmod", ["777", join(scratch, "home")]);
  // Directories that this user may not search would turn "not found" into "not permitted".
  const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  const given = [scratch, projectDirectory(), String(someone), ...words];
  const result = spawnSync(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-c", script, "sh", ...given],
    {
      encoding: "utf8",
      env: { ...process.env, PATH: path, NODE: process.execPath, NO_COLOR: "1" },
    },
  );
  return `${result.stdout}${result.stderr}\nended with ${result.status}`;
}

// Whoever is not root has run all of these as himself already.
describe.runIf(isRoot)("for a user who is not root", () => {
  it("the quick tests of the sandbox pass", () => {
    const said = runAsSomeone(["--project", "quick", "test/sandbox"]);
    expect(said).toMatch(/ended with 0$/);
    expect(said).toMatch(/Tests .*\b\d{3} passed/);
  });

  it.runIf(existsSync("/dev/fuse"))("the tests of engine fuse pass", () => {
    const said = runAsSomeone(["--project", "long", "test/sandbox/fuse-suites.long.ts"]);
    expect(said).toMatch(/ended with 0$/);
    expect(said).toMatch(/Tests .*\b\d\d passed/);
  });
});
