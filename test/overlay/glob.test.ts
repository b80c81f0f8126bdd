import { expect, test } from "vitest";
import { type GlobCalls, globSync } from "../../src/overlay/facade/glob.ts";
import { open, plant } from "./scratch.ts";

// `node:fs` has no `glob` before Node 22, so that nothing can be compared there: what Node 22 to 26
// find is written down. In later releases the conformance suite asks Node itself.

interface Options {
  readonly exclude?: readonly string[] | ((name: string) => boolean);
  readonly cwd?: string;
}

function finder() {
  const root = plant({
    "a.txt": "",
    "d/n.txt": "",
    "d/sub/deep.txt": "",
    "d/sub/deeper/leaf": "",
    ".hidden/f.txt": "",
  });
  const { fs } = open(root);
  fs.writeFileSync("b.md", "");
  fs.mkdirSync("p/node_modules/q", { recursive: true });
  fs.writeFileSync("p/node_modules/q/i.js", "");
  fs.symlinkSync("d", "dlink");
  fs.symlinkSync("..", "d/up");
  const calls = {
    lstat: fs.lstatSync,
    stat: fs.statSync,
    readdir: fs.readdirSync,
    nativeRealpath: fs.realpathSync.native,
  } as unknown as GlobCalls;
  const find = (pattern: string | readonly string[], options: Options = {}) =>
    globSync(calls, root, pattern, options).map(String).sort();
  return { root, find };
}

test("patterns find what they find in Node", () => {
  const { find } = finder();
  expect(find("*")).toEqual(["a.txt", "b.md", "d", "dlink", "p"]);
  expect(find("**/*.txt")).toEqual(["a.txt", "d/n.txt", "d/sub/deep.txt"]);
  expect(find("d/**/")).toEqual(["d", "d/sub", "d/sub/deeper"]);
  expect(find(".*/**")).toEqual([".hidden", ".hidden/f.txt"]);
  expect(find(["*.txt", "a*"])).toEqual(["a.txt"]);
  for (const pattern of ["a.txt/**", "a.txt/.", "a.txt/./**"]) {
    expect(find(pattern)).toEqual(["a.txt"]);
  }
  for (const pattern of ["a.txt/", "a.txt/**/*", "*.txt/**"]) expect(find(pattern)).toEqual([]);
  expect(find("d/sub/./**")).toEqual([
    "d/sub",
    "d/sub/deep.txt",
    "d/sub/deeper",
    "d/sub/deeper/leaf",
  ]);
  for (const pattern of ["", ".", "**/."]) expect(find(pattern)).toEqual([]);
  expect(find("d//sub//")).toEqual(["d/sub"]);
  expect(find("missing/../*.md")).toEqual(["b.md"]);
});

test("a directory is entered through a link that is named, and through no other", () => {
  const { find } = finder();
  expect(find("dlink/*")).toEqual(["dlink/n.txt", "dlink/sub", "dlink/up"]);
  expect(find("d/up/*.md")).toEqual(["d/up/b.md"]);
  expect(find("*/n.txt")).toEqual(["d/n.txt"]);
});

test("a pattern may be absolute, but leads nowhere outside of the root", () => {
  const { root, find } = finder();
  expect(find(`${root}/*.txt`)).toEqual([`${root}/a.txt`]);
  expect(find(`${root}/d/**/*.txt`)).toEqual([`${root}/d/n.txt`, `${root}/d/sub/deep.txt`]);
  expect(find("/etc/*")).toEqual([]);
  expect(find("../*")).toEqual([]);
  expect(find("*.txt", { cwd: "d" })).toEqual(["n.txt"]);
});

test("patterns exclude what they match, and what is below once they match all in a directory", () => {
  const { find } = finder();
  expect(find("*", { exclude: ["d/**"] })).toEqual(["a.txt", "b.md", "d", "dlink", "p"]);
  expect(find("**/*.txt", { exclude: ["d/**"] })).toEqual(["a.txt"]);
  expect(find("d/**", { exclude: ["d/**"] })).toEqual([]);
  expect(find("d/*", { exclude: ["d"] })).toEqual([]);
  expect(find("p/**", { exclude: ["**/node_modules/**"] })).toEqual(["p"]);
  expect(find("**/.*", { exclude: ["**"] })).toEqual([".hidden"]);
  expect(find("**/*.txt", { exclude: ["./d/sub"] })).toEqual(["a.txt", "d/n.txt"]);
});

test("a function is asked for names that ** meets, and for paths of directories to enter", () => {
  const { find } = finder();
  const asked: string[] = [];
  const note = (name: string) => {
    asked.push(name);
    return false;
  };
  find("d/**/leaf", { exclude: note });
  expect(asked).toEqual([
    "d",
    "n.txt",
    "sub",
    "d/sub",
    "deep.txt",
    "deeper",
    "d/sub/deeper",
    "leaf",
    "up",
  ]);
  const isModules = (name: string) => name === "node_modules";
  expect(find("p/**", { exclude: isModules })).toEqual(["p"]);
  expect(find("*/n.txt", { exclude: (name) => name === "d" })).toEqual([]);
  expect(find("*.txt", { exclude: () => true })).toEqual(["a.txt"]);
});
