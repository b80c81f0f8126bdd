import fs from "node:fs";
import { join } from "node:path";
import { DraftRoot } from "../lib/draft-root.ts";
import { type Contestant, interleave } from "../lib/interleave.ts";
import { makeEmptyFiles } from "../lib/many-empty-files.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";

/**
 * The cost of a commit of few changes, in a small tree and in a large one, beside the same files
 * written by temporary file and rename without any promise.
 */
export async function measureLargeTree(
  place: Place,
  options: { readonly files: number; readonly changes: number; readonly rounds: number },
): Promise<string> {
  const large = join(place.directory, "large");
  const small = join(place.directory, "small");
  makeEmptyFiles(large, options.files);
  // As many directories as there are changes, so that both trees have as many touched ones.
  makeEmptyFiles(small, options.changes * 50);
  const contestants = [
    await committing("draftfs, large tree", large, options.changes, place),
    await committing("draftfs, small tree", small, options.changes, place),
    renaming("temp + rename, not durable", large, options.changes, place),
  ];
  const samples = await interleave(contestants, options);
  const medians = contestants.map(({ name }) => medianOf(samples.get(name) ?? []));
  const rows = contestants.map(({ name }, index) => [name, figure(medians[index] ?? Number.NaN)]);
  const beside = (medians[0] ?? Number.NaN) - (medians[2] ?? Number.NaN);
  const title = `${options.changes} changes in a tree of ${options.files} files, ${place.name}`;
  const end = `Beside the writes themselves: ${figure(beside)} ms.`;
  return `${title}\n\n${markdownTable(["", "median ms"], rows)}\n\n${end}`;
}

/** Commits in a row in one process, which pays the debt of each before the next one is measured. */
async function committing(
  name: string,
  root: string,
  changes: number,
  place: Place,
): Promise<Contestant> {
  const paths = pathsIn(root, changes);
  const draft = await DraftRoot.open(root);
  return {
    name,
    async measure(round) {
      for (const path of paths) draft.fs.writeFileSync(path, contentOf(name, path, round));
      place.measuring(true);
      const start = performance.now();
      await draft.commit();
      const elapsedMs = performance.now() - start;
      place.measuring(false);
      await draft.settle();
      return elapsedMs;
    },
  };
}

function renaming(name: string, root: string, changes: number, place: Place): Contestant {
  const paths = pathsIn(root, changes);
  return {
    name,
    async measure(round) {
      place.measuring(true);
      const start = performance.now();
      for (const path of paths) {
        fs.writeFileSync(`${path}.tmp`, contentOf(name, path, round), { flag: "wx" });
        fs.renameSync(`${path}.tmp`, path);
      }
      const elapsedMs = performance.now() - start;
      place.measuring(false);
      return elapsedMs;
    },
  };
}

function contentOf(name: string, path: string, round: number): string {
  return `${name}: ${path} in round ${round}\n`.repeat(40);
}

/** Spread over the whole tree. */
function pathsIn(root: string, count: number): string[] {
  const directories = fs
    .readdirSync(root)
    .flatMap((area) => fs.readdirSync(join(root, area)).map((group) => join(root, area, group)));
  return Array.from({ length: count }, (_, index) => {
    const directory = directories[Math.floor((index * directories.length) / count)] as string;
    const names = fs.readdirSync(directory).sort();
    return join(directory, names[index % names.length] as string);
  });
}
