import type fs from "node:fs";
import fc from "fast-check";
import { encodePath } from "../../src/disk/names.ts";

/** What the edits need of a file system; the real one and an overlay's both have it. */
export type EditableFs = Pick<
  typeof fs,
  | "writeFileSync"
  | "appendFileSync"
  | "unlinkSync"
  | "renameSync"
  | "mkdirSync"
  | "rmdirSync"
  | "rmSync"
  | "symlinkSync"
  | "linkSync"
  | "chmodSync"
  | "utimesSync"
  | "truncateSync"
>;

/** An operation on a tree, tried on both sides alike. */
export type Edit =
  | { readonly kind: "write" | "append"; readonly path: string; readonly text: string }
  | { readonly kind: "remove" | "removeDirectory" | "removeAll"; readonly path: string }
  | { readonly kind: "mkdir"; readonly path: string; readonly mode: number }
  | { readonly kind: "rename" | "link"; readonly from: string; readonly path: string }
  | { readonly kind: "symlink"; readonly target: string; readonly path: string }
  | { readonly kind: "chmod"; readonly path: string; readonly mode: number }
  | { readonly kind: "utimes"; readonly path: string; readonly seconds: number }
  | { readonly kind: "truncate"; readonly path: string; readonly size: number };

const names = ["a", "b", "c", "A", "ü", "-x", 'q"uo te', "new\nline", ".git", "back\\slash"];
/** Also bytes that are no UTF-8, and the longest name. */
const oddNames = [...names, "\udc80\udcff", "\udce9t\udce9", "\u2028", "x".repeat(255)];

function pathOf(others: readonly string[]): fc.Arbitrary<string> {
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("a", "b", "c") },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
  return fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
}

const text = fc.oneof(
  fc.constantFrom("", "one\n", "two\nlines\n", "no newline", "\0binary\0", "crlf\r\n"),
  fc.string({ maxLength: 40 }),
);
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o640, 0o444);
const directoryMode = fc.constantFrom(0o755, 0o700, 0o750);

/** One edit; many of them fail on any given tree, on both sides. */
export const edit: fc.Arbitrary<Edit> = editAt(pathOf(names));
/** The same with odder names. */
export const oddEdit: fc.Arbitrary<Edit> = editAt(pathOf(oddNames));

function editAt(path: fc.Arbitrary<string>): fc.Arbitrary<Edit> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("write" as const), path, text }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("append" as const), path, text }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), path }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("removeDirectory" as const), path }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("removeAll" as const), path }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("mkdir" as const), path, mode: directoryMode }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("rename" as const), from: path, path }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("link" as const), from: path, path }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("symlink" as const),
        target: fc.constantFrom("a", "b", "nowhere", "\udcfe\n"),
        path,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("chmod" as const), path, mode }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("utimes" as const),
        path,
        seconds: fc.integer({ min: 1, max: 1_900_000_000 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("truncate" as const),
        path,
        size: fc.integer({ min: 0, max: 30 }),
      }),
    },
  );
}

/** Tries an edit below `root`; whether it worked. */
export function tryEdit(fileSystem: EditableFs, root: string, step: Edit): boolean {
  const at = (relative: string): string | Buffer => encodePath(`${root}/${relative}`);
  try {
    switch (step.kind) {
      case "write":
        fileSystem.writeFileSync(at(step.path), step.text);
        return true;
      case "append":
        fileSystem.appendFileSync(at(step.path), step.text);
        return true;
      case "remove":
        fileSystem.unlinkSync(at(step.path));
        return true;
      case "removeDirectory":
        fileSystem.rmdirSync(at(step.path));
        return true;
      case "removeAll":
        fileSystem.rmSync(at(step.path), { recursive: true });
        return true;
      case "mkdir":
        fileSystem.mkdirSync(at(step.path), { mode: step.mode });
        return true;
      case "rename":
        fileSystem.renameSync(at(step.from), at(step.path));
        return true;
      case "link":
        fileSystem.linkSync(at(step.from), at(step.path));
        return true;
      case "symlink":
        fileSystem.symlinkSync(encodePath(step.target), at(step.path));
        return true;
      case "chmod":
        fileSystem.chmodSync(at(step.path), step.mode);
        return true;
      case "utimes":
        fileSystem.utimesSync(at(step.path), step.seconds, step.seconds);
        return true;
      case "truncate":
        fileSystem.truncateSync(at(step.path), step.size);
        return true;
    }
  } catch {
    return false;
  }
}
