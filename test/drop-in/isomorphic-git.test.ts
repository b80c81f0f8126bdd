import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import isomorphicGit from "isomorphic-git";
import { describe, expect, test } from "vitest";
import { git, useDropInProject } from "./drop-in-project.ts";

const author = { name: "Tester", email: "tester@example.test" };

describe("isomorphic-git over an overlay", () => {
  const project = useDropInProject();

  test("statusMatrix of an untouched tree is that of the disk", async () => {
    const overlaid = await isomorphicGit.statusMatrix({ fs: project.fs, dir: project.root });
    const copy = copyOut(project.fs, project.root);
    try {
      // On a copy: isomorphic-git refreshes the index that it reads.
      expect(overlaid).toEqual(await isomorphicGit.statusMatrix({ fs: nodeFs, dir: copy }));
    } finally {
      nodeFs.rmSync(copy, { recursive: true, force: true });
    }
    expect(overlaid.every(([, head, workdir, stage]) => head + workdir + stage === 3)).toBe(true);
  });

  test("statusMatrix sees changes, additions, removals and renames", async () => {
    const { fs, root: dir } = project;
    fs.writeFileSync(join(dir, "README.md"), "# Another\n");
    fs.writeFileSync(join(dir, "new.md"), "new\n");
    fs.unlinkSync(join(dir, "docs/a.md"));
    fs.renameSync(join(dir, "src"), join(dir, "lib"));
    const matrix = await isomorphicGit.statusMatrix({ fs, dir });
    const changed = matrix.filter(([, head, workdir]) => head !== workdir);
    expect(
      Object.fromEntries(changed.map(([path, head, workdir]) => [path, `${head}${workdir}`])),
    ).toEqual({
      "README.md": "12",
      "new.md": "02",
      "docs/a.md": "10",
      "src/index.ts": "10",
      "src/deep/er/leaf.ts": "10",
      "lib/index.ts": "02",
      "lib/deep/er/leaf.ts": "02",
    });
  });

  test("add, remove, commit, branch and checkout stay in the overlay and are real git", async () => {
    const { fs, root: dir } = project;
    fs.writeFileSync(join(dir, "README.md"), "# Another\n");
    fs.writeFileSync(join(dir, "new.md"), "new\n");
    await isomorphicGit.add({ fs, dir, filepath: ["README.md", "new.md"] });
    await isomorphicGit.remove({ fs, dir, filepath: "docs/a.md" });
    const oid = await isomorphicGit.commit({ fs, dir, message: "second", author });
    await isomorphicGit.branch({ fs, dir, ref: "other" });
    await isomorphicGit.checkout({ fs, dir, ref: "other" });
    const log = await isomorphicGit.log({ fs, dir });
    expect(log.map((entry) => entry.commit.message)).toEqual(["second\n", "first\n"]);

    // What the overlay holds, copied out: the real git must accept every object of it.
    const copy = copyOut(fs, dir);
    try {
      expect(git(copy, "rev-parse", "HEAD").trim()).toBe(oid);
      expect(git(copy, "fsck", "--strict")).toBe("");
      expect(git(copy, "ls-tree", "-r", "--name-only", "HEAD").split("\n")).not.toContain(
        "docs/a.md",
      );
      expect(nodeFs.existsSync(join(project.root, "new.md"))).toBe(false);
    } finally {
      nodeFs.rmSync(copy, { recursive: true, force: true });
    }
  });
});

/** Copies what a file system shows to a new directory on the disk. */
function copyOut(fs: typeof nodeFs, source: string): string {
  const target = nodeFs.mkdtempSync(join(tmpdir(), "draftfs-copy-"));
  copyTree(fs, source, target);
  return target;
}

function copyTree(fs: typeof nodeFs, source: string, target: string): void {
  for (const entry of fs.readdirSync(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) {
      nodeFs.mkdirSync(to);
      copyTree(fs, from, to);
    } else {
      nodeFs.writeFileSync(to, fs.readFileSync(from), { mode: fs.statSync(from).mode });
    }
  }
}
