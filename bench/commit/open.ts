import { execFileSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { DraftRoot } from "../lib/draft-root.ts";
import { makeEmptyFiles } from "../lib/many-empty-files.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";

/** How long it takes to open a large tree, before its first commit and after it. */
export async function measureOpen(place: Place, files: number, rounds: number): Promise<string> {
  const root = join(place.directory, "opened");
  makeEmptyFiles(root, files);
  const untouched = opening(root, rounds);
  const draft = await DraftRoot.open(root);
  draft.fs.writeFileSync(join(root, "new"), "content");
  await draft.commit();
  await draft.close();
  const committed = opening(root, rounds);
  const row = (name: string, samples: readonly number[]) => [
    name,
    figure(samples[0] ?? Number.NaN),
    figure(medianOf(samples)),
  ];
  const rows = [row("never committed to", untouched), row("after a commit", committed)];
  const header = ["", "first of a process, ms", "median ms"];
  return `openOverlay on ${files} files, ${place.name}\n\n${markdownTable(header, rows)}`;
}

function opening(root: string, rounds: number): number[] {
  const program = fileURLToPath(new URL("./opening.js", import.meta.url));
  const output = execFileSync(process.execPath, [program, root, String(rounds)]);
  return JSON.parse(output.toString()) as number[];
}
