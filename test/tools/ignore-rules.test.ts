import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { globTest } from "../../src/overlay/path/glob-pattern.ts";
import { walkFiles } from "../../src/tools/walk-files.ts";
import { plainOverlay, plant } from "../engines/support/plain-overlay.ts";

describe("walking", () => {
  it("leaves out what git leaves out", async () => {
    const overlay = plainOverlay();
    const files = [
      "a.log",
      "keep.log",
      "build/x",
      "src/build/y",
      "src/deep/build/z.txt",
      "doc/a.txt",
      "doc/sub/a.txt",
      "doc/frotz/b",
      "node_modules/m/i.js",
      "src/tmp",
      "tmp/x",
      "w x.txt",
      "q[1].txt",
      "#hash",
      "!bang",
      "trailing ",
      "src/only/a.c",
      "src/only/keep.c",
      "{b}.t",
      "b.t",
      "deep/a/b/c/end.o",
      "deep/end.o",
      "src/inner/q.c",
    ];
    plant(overlay.root, Object.fromEntries(files.map((path) => [path, path])));
    plant(overlay.root, {
      ".gitignore":
        "*.log\n!keep.log\n/build\ndoc/*.txt\nnode_modules/\ntmp/\n# note\n\\#hash\n\\!bang\n" +
        "w x.txt   \nq\\[1\\].txt\n**/frotz\ndeep/**/end.o\n{b}.t\nq?c\n",
      "src/.gitignore": "build/\nonly/*\n!only/keep.c\n/inner/q.c\n",
    });
    execFileSync("git", ["init", "-q"], { cwd: overlay.root });
    const walked: string[] = [];
    for await (const file of walkFiles({ overlay }, overlay.root)) walked.push(file.relative);
    const expected = execFileSync("git", ["ls-files", "-z", "--others", "--exclude-standard"], {
      cwd: overlay.root,
      encoding: "utf8",
    });
    expect(walked.sort()).toEqual(expected.split("\0").filter(Boolean).sort());
  });
});

it.each([
  ["a byte order mark", "\ufeffa.log\n"],
  ["CRLF", "a.log\r\nb.txt\r\n"],
  ["a tab at the end", "b.txt\t\na.log\t \n"],
  ["a class that there is none of", "[[:constructor:]]\na.log\n"],
])("rules with %s mean what they mean to git", async (_what, text) => {
  const overlay = plainOverlay();
  plant(overlay.root, { ".gitignore": text, "a.log": "", "a.log\t": "", "b.txt": "" });
  execFileSync("git", ["init", "-q"], { cwd: overlay.root });
  const walked: string[] = [];
  for await (const file of walkFiles({ overlay }, overlay.root)) walked.push(file.relative);
  const expected = execFileSync("git", ["ls-files", "-z", "--others", "--exclude-standard"], {
    cwd: overlay.root,
    encoding: "utf8",
  });
  expect(walked.sort()).toEqual(expected.split("\0").filter(Boolean).sort());
});

describe("a glob", () => {
  const paths = ["a", "a.ts", ".a", "a/b.ts", "a/b/c.ts", "ab", "a-b", "a]b", "a{b", "x/a.ts"];
  const patterns = [
    "*",
    "**",
    "**/*.ts",
    "a/*",
    "a?b",
    "a[-x]b",
    "a[!x]b",
    "a[]]b",
    "a\\{b",
    "{a,x}/*.ts",
    "{*.ts,x/{a,b}.ts}",
    "a{b",
    "?",
    "**/b/**",
    "x/**/a.ts",
  ];

  it.each(patterns)("%s matches what bash expands it to", (pattern) => {
    const { root } = plainOverlay();
    const files = paths.map((path) => (path === "a" ? "q" : path));
    plant(root, Object.fromEntries(files.map((path) => [path, ""])));
    const script = `shopt -s globstar dotglob nullglob; printf '%s\\n' ${pattern}`;
    const expanded = execFileSync("bash", ["-c", script], { cwd: root, encoding: "utf8" });
    const expected = new Set(expanded.split("\n"));
    expect(files.filter(globTest(pattern)).sort()).toEqual(
      files.filter((path) => expected.has(path)).sort(),
    );
  });
});
