import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { lineCountsOf } from "../../src/commit/patch/line-counts.ts";
import { patchOf } from "../../src/commit/patch/patch.ts";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { fc } from "../support/properties.ts";

let directory: string;
let root: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "draftfs-patch-"));
  root = join(directory, "tree");
  mkdirSync(root);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const binary = Buffer.from([0, 1, 2, 255, 254, 10, 13, 0, 7]);

/** Files, links and executable bits of a tree: what git knows of it. */
function treeOf(fs: Layer["fs"], top: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const name of fs.readdirSync(join(top, path)).sort()) {
      const child = path === "" ? name : `${path}/${name}`;
      const stats = fs.lstatSync(join(top, child));
      if (stats.isDirectory()) walk(child);
      else if (stats.isSymbolicLink()) found[child] = `-> ${fs.readlinkSync(join(top, child))}`;
      else {
        const mode = (stats.mode & 0o100) === 0 ? "" : "x";
        found[child] = `${mode}:${fs.readFileSync(join(top, child)).toString("latin1")}`;
      }
    }
  };
  walk("");
  return found;
}

/** Applies the patch of `change` with the real git to a copy and compares the trees. */
function expectSameTree(change: (fs: Layer["fs"]) => void): string {
  const layer = openLayer({ root });
  change(layer.fs);
  const patch = patchOf(diffLayer(layer), layer.lower);
  const copy = join(directory, "copy");
  rmSync(copy, { recursive: true, force: true });
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(directory, "patch"), patch);
  if (patch.length > 0) {
    const apply = "git apply --whitespace=nowarn";
    const options = { cwd: copy, env: { ...process.env, GIT_CEILING_DIRECTORIES: directory } };
    execFileSync("sh", ["-c", `${apply} --check ../patch && ${apply} ../patch`], options);
  }
  const nodeFs = { readdirSync, lstatSync, readlinkSync, readFileSync } as unknown as Layer["fs"];
  expect(treeOf(nodeFs, copy)).toEqual(treeOf(layer.fs, root));
  layer.close();
  return patch.toString("latin1");
}

describe("a patch", () => {
  beforeEach(() => {
    mkdirSync(join(root, "dir/deep"), { recursive: true });
    writeFileSync(join(root, "a.txt"), "one\ntwo\nthree\n");
    writeFileSync(join(root, "crlf.txt"), "one\r\ntwo\r\n");
    writeFileSync(join(root, "open.txt"), "no newline");
    writeFileSync(join(root, "empty"), "");
    writeFileSync(join(root, "dir/x"), "x\n");
    writeFileSync(join(root, "dir/deep/y"), "y\ny\ny\ny\ny\n");
    writeFileSync(join(root, "bin"), binary);
    writeFileSync(join(root, "latin1"), Buffer.from("caf\xe9\nth\xe9\n", "latin1"));
    symlinkSync("a.txt", join(root, "link"));
  });

  it("makes, changes and removes texts", () => {
    expectSameTree((fs) => {
      fs.writeFileSync("a.txt", "one\n2\nthree\nfour\n");
      fs.writeFileSync("new.txt", "new\n");
      fs.unlinkSync("dir/x");
      fs.writeFileSync("crlf.txt", "one\r\n2\r\n");
    });
  });

  it("counts the lines of made, removed and emptied texts as git does", () => {
    const patch = expectSameTree((fs) => {
      fs.writeFileSync("empty", "full\n");
      fs.writeFileSync("new.txt", "new\nnew\n");
      fs.unlinkSync("dir/x");
      fs.writeFileSync("a.txt", "");
      fs.writeFileSync("crlf.txt", "one\r\n2\r\n");
    });
    const git = ["-C", directory, "diff", "--no-index", "--no-prefix", "--", "tree", "copy"];
    const { stdout } = spawnSync("git", git, { encoding: "latin1" });
    const headers = (text: string) => text.match(/^@@ .* @@/gm);
    expect(headers(patch)).toHaveLength(5);
    expect(headers(patch)).toEqual(headers(stdout));
  });

  it("keeps a missing last line end, and puts one", () => {
    expectSameTree((fs) => {
      fs.writeFileSync("open.txt", "no newline\nbut more");
      fs.writeFileSync("a.txt", "one\ntwo\nthree");
      fs.writeFileSync("added", "open");
    });
    expectSameTree((fs) => fs.writeFileSync("open.txt", "no newline\n"));
  });

  it("keeps every byte of texts that are not UTF-8", () => {
    expectSameTree((fs) => fs.writeFileSync("latin1", Buffer.from("caf\xe9\n\xfc\n", "latin1")));
  });

  it("carries binary content", () => {
    expectSameTree((fs) => {
      fs.writeFileSync("bin", Buffer.concat([binary, binary, Buffer.alloc(200, 7)]));
      fs.writeFileSync("more", binary);
    });
    expectSameTree((fs) => fs.unlinkSync("bin"));
  });

  it("is applied also where repositories change, of which it only tells", () => {
    for (const place of [".git", "dir/.git"]) {
      mkdirSync(join(root, place, "objects"), { recursive: true });
      writeFileSync(join(root, place, "HEAD"), "ref: refs/heads/main\n");
      writeFileSync(join(root, place, "index"), binary);
    }
    const layer = openLayer({ root });
    const { fs } = layer;
    fs.writeFileSync(".git/HEAD", "ref: refs/heads/other\n");
    fs.writeFileSync(".git/index", Buffer.concat([binary, binary]));
    fs.writeFileSync(".git/objects/1", binary);
    fs.writeFileSync("dir/.GIT", "gitdir: elsewhere\n");
    fs.unlinkSync("dir/.git/HEAD");
    fs.renameSync("dir/x", ".git/x");
    fs.renameSync("dir/.git/index", "dir/out");
    fs.writeFileSync(".gitignore", "ignored\n");
    fs.writeFileSync("a.txt", "one\n");
    const patch = patchOf(diffLayer(layer), layer.lower);
    layer.close();
    writeFileSync(join(directory, "patch"), patch);
    const options = { cwd: root, env: { ...process.env, GIT_CEILING_DIRECTORIES: directory } };
    rmSync(join(root, ".git"), { recursive: true });
    execFileSync("git", ["apply", "../patch"], options);
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("one\n");
    expect(readFileSync(join(root, ".gitignore"), "utf8")).toBe("ignored\n");
    expect(readFileSync(join(root, "dir/out"))).toEqual(binary);
    expect(readdirSync(join(root, "dir")).sort()).toEqual([".git", "deep", "out"]);
    const told = patch.toString("latin1").match(/^# (diff --git|[-+][^-+]|Binary) ?.*$/gm);
    expect(told).toEqual([
      "# diff --git a/.git/HEAD b/.git/HEAD",
      "# -ref: refs/heads/main",
      "# +ref: refs/heads/other",
      "# diff --git a/.git/index b/.git/index",
      "# Binary files a/.git/index and b/.git/index differ",
      "# diff --git a/.git/objects/1 b/.git/objects/1",
      "# Binary files /dev/null and b/.git/objects/1 differ",
      "# diff --git a/.git/x b/.git/x",
      "# +x",
      "# diff --git a/dir/.GIT b/dir/.GIT",
      "# +gitdir: elsewhere",
      "# diff --git a/dir/.git/HEAD b/dir/.git/HEAD",
      "# -ref: refs/heads/main",
      "# diff --git a/dir/.git/index b/dir/.git/index",
      "# Binary files a/dir/.git/index and /dev/null differ",
    ]);
  });

  it("makes and removes empty files", () => {
    expectSameTree((fs) => {
      fs.unlinkSync("empty");
      fs.writeFileSync("void", "");
      fs.truncateSync("a.txt");
    });
  });

  it("changes the executable bit alone, and with content", () => {
    expectSameTree((fs) => {
      fs.chmodSync("a.txt", 0o755);
      fs.chmodSync("dir/x", 0o755);
      fs.writeFileSync("dir/x", "changed\n");
    });
  });

  it("looks into no file that keeps its content", () => {
    const layer = openLayer({ root });
    layer.fs.chmodSync("a.txt", 0o755);
    layer.fs.renameSync("bin", "moved");
    layer.fs.renameSync("dir", "there");
    // As after a command that has copied a file whole to change its mode.
    layer.fs.writeFileSync("latin1", layer.fs.readFileSync("latin1"));
    layer.fs.chmodSync("latin1", 0o755);
    const changeSet = diffLayer(layer);
    const opened = vi.spyOn(layer.lower, "open");
    const patch = patchOf(changeSet, layer.lower).toString();
    expect(patch).toContain("diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 100755\n");
    expect(patch).toContain("diff --git a/latin1 b/latin1\nold mode 100644\nnew mode 100755\n");
    expect(patch).toContain("rename from bin\nrename to moved\n");
    expect([...lineCountsOf(changeSet, layer.lower).values()]).toEqual(
      Array(5).fill({ insertions: 0, deletions: 0 }),
    );
    expect(opened).not.toHaveBeenCalled();
    layer.close();
  });

  it("makes, changes, replaces and removes links", () => {
    expectSameTree((fs) => {
      fs.symlinkSync("nowhere", "dangling");
      fs.unlinkSync("a.txt");
      fs.symlinkSync("dir/x", "a.txt");
      fs.unlinkSync("link");
      fs.writeFileSync("link", "a file now\n");
    });
    expectSameTree((fs) => fs.unlinkSync("link"));
  });

  it("renames files, also changed ones and in circles", () => {
    const patch = expectSameTree((fs) => {
      fs.renameSync("a.txt", "dir/b.txt");
      fs.renameSync("dir/deep/y", "z");
      fs.appendFileSync("z", "more\n");
    });
    expect(patch).toContain("rename from a.txt\nrename to dir/b.txt\n");
    expectSameTree((fs) => {
      fs.renameSync("a.txt", "t");
      fs.renameSync("open.txt", "a.txt");
      fs.renameSync("t", "open.txt");
    });
    expectSameTree((fs) => fs.renameSync("a.txt", "open.txt"));
  });

  it("renames a directory with changes inside", () => {
    expectSameTree((fs) => {
      fs.renameSync("dir", "moved");
      fs.writeFileSync("moved/x", "changed\n");
      fs.unlinkSync("moved/deep/y");
      fs.writeFileSync("moved/deep/new", "new\n");
    });
  });

  it("turns a file into a directory and a directory into a file", () => {
    expectSameTree((fs) => {
      fs.rmSync("dir", { recursive: true });
      fs.writeFileSync("dir", "file\n");
      fs.unlinkSync("a.txt");
      fs.mkdirSync("a.txt");
      fs.writeFileSync("a.txt/in", "in\n");
    });
  });

  it("quotes odd names", () => {
    const names = ["with space", 'quo"te', "tab\there", "new\nline", "ünï", "back\\slash", " lead"];
    for (const name of names) writeFileSync(join(root, name), "old\n");
    expectSameTree((fs) => {
      for (const name of names) fs.writeFileSync(name, "changed\n");
      fs.writeFileSync("a b/b".replace("/", "_"), "x\n");
      fs.mkdirSync("a b");
      fs.writeFileSync("a b/b", "x\n");
      fs.renameSync("with space", "now without");
      fs.chmodSync("tab\there", 0o755);
      fs.writeFileSync("empty \n one", "");
      fs.mkdirSync("ends in a space ");
      fs.writeFileSync("ends in a space /empty", "");
    });
  });

  it("gives up on the shortest difference of two large texts, and stays right", () => {
    const lines = (salt: number): string =>
      Array.from({ length: 9000 }, (_, index) => `${(index * salt) % 9973}\n`).join("");
    writeFileSync(join(root, "large"), `same\n${lines(7)}same\nend\n`);
    expectSameTree((fs) => fs.writeFileSync("large", `same\n${lines(11)}same\nend\n`));
  });

  it("is empty where nothing but times, owners or directories changed", () => {
    const patch = expectSameTree((fs) => {
      fs.utimesSync("a.txt", 1, 2);
      fs.mkdirSync("only-a-directory");
      fs.chmodSync("dir", 0o700);
    });
    expect(patch).toBe("");
  });
});

describe("any patch", () => {
  it("applies to what the overlay shows", () => {
    const names = ["a", "b", "d/a", "d/b", "d/e/a"] as const;
    const content = fc.oneof(
      fc
        .array(fc.constantFrom("x\n", "y\n", "z", "\r\n", "\n"), { maxLength: 12 })
        .map((parts) => Buffer.from(parts.join(""))),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    const step = fc.oneof(
      fc.record({ kind: fc.constant("write" as const), name: fc.constantFrom(...names), content }),
      fc.record({ kind: fc.constant("unlink" as const), name: fc.constantFrom(...names) }),
      fc.record({
        kind: fc.constant("rename" as const),
        name: fc.constantFrom(...names),
        to: fc.constantFrom(...names),
      }),
      fc.record({ kind: fc.constant("exec" as const), name: fc.constantFrom(...names) }),
    );
    fc.assert(
      fc.property(
        fc.array(content, { minLength: 5, maxLength: 5 }),
        fc.array(step, { minLength: 1, maxLength: 8 }),
        (seed, steps) => {
          rmSync(root, { recursive: true, force: true });
          mkdirSync(join(root, "d/e"), { recursive: true });
          names.forEach((name, index) => {
            writeFileSync(join(root, name), seed[index] ?? "");
            chmodSync(join(root, name), index % 2 === 0 ? 0o644 : 0o755);
          });
          expectSameTree((fs) => {
            for (const one of steps) {
              if (one.kind === "write") fs.writeFileSync(one.name, one.content);
              else if (!fs.existsSync(one.name)) continue;
              else if (one.kind === "unlink") fs.unlinkSync(one.name);
              else if (one.kind === "rename") fs.renameSync(one.name, one.to);
              else fs.chmodSync(one.name, 0o755);
            }
          });
        },
      ),
      { numRuns: Number(process.env["DRAFTFS_RUNS"] ?? 40), verbose: 1 },
    );
  });
});
