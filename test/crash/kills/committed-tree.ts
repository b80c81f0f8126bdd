import fs from "node:fs";
import { join } from "node:path";
import type { ChangeSet } from "../../../src/commit/change-set/change-set.ts";
import { ChangeBuilder, directoryAfter, fileAfter } from "../../commit/change-builder.ts";

/** Which commit made a tree: its number, counting up, and who made it. All of a tree follows from it. */
export interface Made {
  readonly number: number;
  readonly by: string;
}

export function wordsOf({ number, by }: Made): string {
  return `${number} ${by}`;
}

export function madeOf(words: string): Made {
  const [number, by = ""] = words.split(" ");
  return { number: Number(number), by };
}

/** What the tree is after a commit, made by plain calls in an empty directory. */
export function layOut(directory: string, made: Made): void {
  const { number } = made;
  const write = (path: string, text: string) => fs.writeFileSync(join(directory, path), text);
  fs.mkdirSync(join(directory, "deep/er"), { recursive: true });
  for (const path of written) write(path, textOf(made, path));
  write("shared-1", textOf(made, "shared"));
  fs.linkSync(join(directory, "shared-1"), join(directory, "shared-2"));
  write(`made-${number}`, "");
  fs.mkdirSync(join(directory, `moved-${number}`));
  write(`moved-${number}/inside`, "inside\n");
  fs.symlinkSync(`moved-${number}`, join(directory, "pointer"));
  write("mode", "mode\n");
  fs.chmodSync(join(directory, "mode"), modeOf(number));
  if (isFile(number)) write("kind", textOf(made, "kind"));
  else fs.mkdirSync(join(directory, "kind"));
}

/** Which commit the tree says it was made by. */
export function readMade(root: string): Made {
  const [line = ""] = fs.readFileSync(join(root, "first"), "utf8").split("\n");
  return madeOf(line);
}

/**
 * The changes that make the tree of the next commit out of what lies there. A step of every kind is
 * among them: new bytes (also of a file with two names), new and removed files, a directory that
 * moves, a link that is turned, a mode, another kind of node.
 */
export function changesTo(root: string, before: Made, by: string): ChangeSet {
  const { number: last } = before;
  const made = { number: last + 1, by };
  const { number } = made;
  const builder = new ChangeBuilder(root);
  for (const path of written) builder.write(path, textOf(made, path));
  const kind = isFile(number) ? fileAfter(textOf(made, "kind")) : directoryAfter();
  return builder
    .write("shared-1", textOf(made, "shared"), { group: 1, sameNode: true })
    .create(`made-${number}`, "")
    .remove(`made-${last}`)
    .rename(`moved-${last}`, `moved-${number}`)
    .retarget("pointer", `moved-${number}`)
    .chmod("mode", modeOf(number))
    .retype("kind", kind)
    .build();
}

const written = ["first", "second", "deep/er/third"] as const;

/** Of another length each time: old bytes do not hide under new ones. */
function textOf(made: Made, path: string): string {
  return `${wordsOf(made)}\n${`${path} ${made.number}\n`.repeat(made.number % 17)}`;
}

function modeOf(number: number): number {
  return number % 2 === 0 ? 0o644 : 0o600;
}

function isFile(number: number): boolean {
  return number % 2 === 1;
}
