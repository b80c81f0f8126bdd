import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { buildCommandLine, commandLinePath } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "a\n", "b.txt": "b\n", "d/x.txt": "x\n" });
});
afterEach(() => project[Symbol.dispose]());

/** Puts changes into the draft, by the library, and leaves the rest to the command line. */
const pending = `
  import { openOverlay } from ${JSON.stringify(pathToFileURL(join(commandLinePath, "../index.js")))};
  const overlay = await openOverlay(".", { draft: "main" });
  const { fs } = overlay;
  new Function("fs", process.env.CHANGE)(fs);
  await overlay.saveDraft();
  await overlay.close();
`;

/** Runs a script in a mount namespace; `$1` is the root, `change` a draft of it, `commit` as told. */
function amongMounts(script: string) {
  const helpers = `
    set -e
    change() { CHANGE="$1" "$node" --input-type=module -e "$library"; }
    draftfs() { code=0; "$node" "$program" "$@" >/dev/null 2>error || code=$?; echo "$1 $code"; }
    node=$2 program=$3 library=$4; cd "$1"; mkdir "../beside"
  `;
  const words = [project.root, process.execPath, commandLinePath, pending];
  const shell = ["sh", "-c", helpers + script, "sh", ...words];
  return spawnSync("unshare", ["-rm", "--", ...shell], { encoding: "utf8" });
}

it("moby/moby#22627: a file that something is mounted on stops a commit, and all is as before", () => {
  const { stdout, stderr } = amongMounts(`
    change 'fs.writeFileSync("a.txt", "A"); fs.writeFileSync("b.txt", "B"); fs.rmSync("d", { recursive: true })'
    mount --bind b.txt b.txt
    draftfs commit; cat error a.txt b.txt d/x.txt; draftfs log; draftfs status
    umount b.txt
    draftfs commit; cat a.txt b.txt; draftfs undo; cat a.txt b.txt d/x.txt
  `);
  expect(stderr).toBe("");
  expect(stdout).toContain('Cannot install "b.txt": EBUSY. Everything was put back as it was');
  const lines = stdout.split("\n").filter((line) => !line.startsWith("draftfs: "));
  expect(lines).toEqual([
    "commit 1",
    "a",
    "b",
    "x",
    "log 0",
    "status 2",
    "commit 0",
    "ABundo 0",
    "a",
    "b",
    "x",
    "",
  ]);
});

it("binpash/try#19: a directory that is mounted from elsewhere takes no part in a commit", () => {
  const { stdout, stderr } = amongMounts(`
    mkdir ../beside/inner; echo far > ../beside/far; echo in > ../beside/inner/in
    mkdir m; mount --bind ../beside m
    change 'fs.writeFileSync("a.txt", "A"); fs.renameSync("m/inner", "d/inner")'
    draftfs commit; draftfs discard --yes
    change 'fs.writeFileSync("a.txt", "A"); fs.writeFileSync("m/new", "new")'
    draftfs commit; draftfs discard --yes
    change 'fs.writeFileSync("a.txt", "A"); fs.rmSync("m", { recursive: true })'
    draftfs commit; draftfs discard --yes
    cat a.txt m/far m/inner/in; ls d m ../beside
    draftfs log
  `);
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual([
    ...["commit 1", "discard 0", "commit 1", "discard 0", "commit 1", "discard 0"],
    ...["a", "far", "in"],
    ...["../beside:", "far", "inner", "", "d:", "x.txt", "", "m:", "far", "inner", "log 0", ""],
  ]);
});

it("moby/moby#25409: on an overlayfs, which moves no directory of its image, a commit does", () => {
  const { stdout, stderr } = amongMounts(`
    mount -t tmpfs upper ../beside; mkdir ../beside/upper ../beside/work
    mount -t overlay container -o "userxattr,lowerdir=$1,upperdir=../beside/upper,workdir=../beside/work" "$1"
    cd "$1"
    change 'fs.renameSync("a.txt", "moved.txt"); fs.renameSync("d", "moved"); fs.writeFileSync("moved/new", "new")'
    draftfs commit; ls . moved; cat moved/x.txt; draftfs undo; ls; cat d/x.txt
    change 'fs.renameSync("a.txt", "d/moved.txt"); fs.mkdirSync("new"); fs.cpSync("d", "new/d", { recursive: true })'
    draftfs commit
    change 'fs.renameSync("new", "newer"); fs.rmSync("d", { recursive: true })'
    draftfs commit; ls; cat newer/d/moved.txt
    draftfs undo; draftfs undo; ls; cat a.txt d/x.txt; draftfs verify
  `);
  expect(stderr).toBe("");
  const lines = stdout.split("\n").filter((line) => !line.startsWith("draftfs: "));
  expect(lines).toEqual([
    ...["commit 0", ".:", "b.txt", "error", "moved", "moved.txt", "", "moved:", "new", "x.txt"],
    ...["x", "undo 0", "a.txt", "b.txt", "d", "error", "x", "commit 0", "commit 0"],
    ...["b.txt", "error", "newer", "a", "undo 0", "undo 0", "a.txt", "b.txt", "d", "error"],
    ...["a", "x", "verify 0", ""],
  ]);
});
