import type fs from "node:fs";
import { dirname, join } from "node:path";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { TreeState } from "./tree-state.ts";

/** One change of a tree, small enough to be carried out on any fs-shaped object. */
export type Operation =
  | { readonly kind: "write"; readonly path: string; readonly text: string }
  | { readonly kind: "chmod"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | { readonly kind: "move"; readonly path: string; readonly from: string }
  | { readonly kind: "link"; readonly path: string; readonly from: string }
  | { readonly kind: "remove"; readonly path: string };

/** The part of `node:fs` that transactions are made of. */
export type TransactionFs = Pick<
  typeof fs,
  "writeFileSync" | "mkdirSync" | "rmSync" | "renameSync" | "linkSync" | "symlinkSync" | "chmodSync"
>;

/**
 * Four to thirteen operations on a tree that looks like `state`.
 *
 * @param options.hardLinks - whether they may link files. Then files are also written in place.
 */
export function randomTransaction(
  random: SeededRandom,
  state: TreeState,
  label: string,
  options: { readonly hardLinks: boolean },
): Operation[] {
  const kindsByPath = new Map([...state].map(([path, line]) => [path, line.split(" ")[0] ?? ""]));
  const operations: Operation[] = [];
  for (let count = random.between(4, 13); operations.length < count; ) {
    const operation = randomOperation(random, kindsByPath, `${label}.${operations.length}`);
    if (operation === undefined || (operation.kind === "link" && !options.hardLinks)) continue;
    operations.push(operation);
    note(kindsByPath, operation);
  }
  return operations;
}

function randomOperation(
  random: SeededRandom,
  kindsByPath: ReadonlyMap<string, string>,
  label: string,
): Operation | undefined {
  const pathsOf = (kind: string) =>
    [...kindsByPath].filter(([, found]) => found === kind).map(([path]) => path);
  const files = pathsOf("file");
  const directories = ["", ...pathsOf("directory")];
  const newPath = () => {
    const parent = random.pick(directories);
    const name = random.chance(0.2) ? `d${label}/f${label}` : `f${label}`;
    return parent === "" ? name : `${parent}/${name}`;
  };
  if (files.length < 8) return { kind: "write", path: newPath(), text: text(random, label) };
  const draw = random.between(1, 21);
  if (draw <= 7) return { kind: "write", path: newPath(), text: text(random, label) };
  if (draw <= 13) return { kind: "write", path: random.pick(files), text: text(random, label) };
  if (draw <= 15) return { kind: "remove", path: random.pick(files) };
  if (draw === 16)
    return { kind: "chmod", path: random.pick(files), mode: random.pick([0o600, 0o755]) };
  if (draw === 17) return { kind: "symlink", path: newPath(), target: `to/${label}` };
  if (draw === 18) return { kind: "move", from: random.pick(files), path: newPath() };
  if (draw === 21) return { kind: "link", from: random.pick(files), path: newPath() };
  const directory = random.pick(directories);
  if (directory === "") return undefined;
  if (draw === 19) return { kind: "move", from: directory, path: `moved${label}` };
  return random.chance(0.5) ? { kind: "remove", path: directory } : undefined;
}

/** 1 to 8 KiB that occur nowhere else. */
function text(random: SeededRandom, label: string): string {
  return `${label} of ${random.seed}: ${random.fraction()}\n`.repeat(random.between(30, 220));
}

/** Keeps the picture of the tree up to date with an operation. */
function note(kindsByPath: Map<string, string>, operation: Operation): void {
  const move = (from: string, to: string | undefined) => {
    for (const [path, kind] of [...kindsByPath]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      kindsByPath.delete(path);
      if (to !== undefined) kindsByPath.set(to + path.slice(from.length), kind);
    }
  };
  const addParents = (path: string) => {
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
      kindsByPath.set(parent, "directory");
    }
  };
  if (operation.kind === "remove") move(operation.path, undefined);
  else addParents(operation.path);
  if (operation.kind === "move") move(operation.from, operation.path);
  if (operation.kind === "write" || operation.kind === "link") {
    kindsByPath.set(operation.path, "file");
  }
  if (operation.kind === "symlink") kindsByPath.set(operation.path, "symlink");
}

/** Carries out an operation below `root`; what it does on the real disk is what it means. */
export function carryOut(target: TransactionFs, root: string, operation: Operation): void {
  const path = join(root, operation.path);
  if (operation.kind !== "remove") target.mkdirSync(dirname(path), { recursive: true });
  switch (operation.kind) {
    case "write":
      target.writeFileSync(path, operation.text);
      break;
    case "chmod":
      target.chmodSync(path, operation.mode);
      break;
    case "symlink":
      target.symlinkSync(operation.target, path);
      break;
    case "move":
      target.renameSync(join(root, operation.from), path);
      break;
    case "link":
      target.linkSync(join(root, operation.from), path);
      break;
    case "remove":
      target.rmSync(path, { recursive: true });
  }
}
