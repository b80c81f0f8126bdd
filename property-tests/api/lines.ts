import type fs from "node:fs";
import { join } from "node:path";
import { fc } from "../../test/support/properties.ts";

const path = fc.constantFrom("a", "b", "c", "d/a", "d/b", "e/a");
const directory = fc.constantFrom("d", "e", "f");
const at = fc.nat(7);

/** What an overlay, or somebody past them, does to the files. Every line written is a new one. */
export const edit = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), path }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("insert" as const), path, at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("cut" as const), path, at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("chmod" as const), path, at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rename" as const), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("link" as const), path, to: path }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("rename" as const), path: directory, to: directory }),
  },
);
export type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

export const globs = fc.option(fc.constantFrom(["a"], ["d/**"], ["b", "e/**"], ["*"]), {
  freq: 1,
  nil: undefined,
});
export type Files = Pick<
  typeof fs,
  | "readdirSync"
  | "readFileSync"
  | "writeFileSync"
  | "mkdirSync"
  | "unlinkSync"
  | "renameSync"
  | "linkSync"
  | "chmodSync"
>;
export type Lines = ReadonlySet<string>;

/** Changes the files of a root; what cannot be done, as much cannot, changes nothing. */
export function change(files: Files, root: string, each: Edit, line: () => string): void {
  const place = join(root, each.path);
  try {
    switch (each.kind) {
      case "write":
        files.mkdirSync(join(place, ".."), { recursive: true });
        files.writeFileSync(place, Array.from({ length: 8 }, () => line()).join(""));
        return;
      case "insert":
      case "cut": {
        const lines = files.readFileSync(place, "latin1").match(/[^\n]*\n/g) ?? [];
        if (each.kind === "cut") lines.splice(each.at, 1);
        else lines.splice(each.at, 0, line());
        files.writeFileSync(place, lines.join(""));
        return;
      }
      case "remove":
        files.unlinkSync(place);
        return;
      case "chmod":
        files.chmodSync(place, each.at % 2 === 0 ? 0o600 : 0o755);
        return;
      case "rename":
        files.renameSync(place, join(root, each.to));
        return;
      case "link":
        files.linkSync(place, join(root, each.to));
        return;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  }
}

export function treeOf(files: Files, root: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const walk = (from: string): void => {
    for (const entry of files.readdirSync(join(root, from), { withFileTypes: true })) {
      const name = from === "" ? entry.name : `${from}/${entry.name}`;
      if (name === ".draftfs") continue;
      if (entry.isDirectory()) {
        tree[`${name}/`] = "";
        walk(name);
      } else tree[name] = textOf(files, join(root, name));
    }
  };
  walk("");
  return Object.fromEntries(Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is based on a file that somebody has changed since may be unreadable; see `docs/fs.md`. */
export function textOf(files: Files, place: string): string {
  try {
    return files.readFileSync(place, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESTALE" || code === "ENOENT") return stale;
    throw error;
  }
}

export const stale = "stale";

export function linesIn(files: Files, root: string): Set<string> {
  return linesOf(treeOf(files, root));
}

export function linesOf(tree: Record<string, string>): Set<string> {
  return new Set(Object.values(tree).flatMap((text) => text.match(/[^\n]*\n/g) ?? []));
}

export function minus(all: Lines, others: Lines): Set<string> {
  return new Set([...all].filter((line) => !others.has(line)));
}
