import { join } from "node:path";
import { DraftRoot } from "../lib/draft-root.ts";
import { type Contestant, interleave } from "../lib/interleave.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { makeTextFiles, type TextFile } from "../lib/text-files.ts";
import { checkWork, prepareWork } from "./work-tree.ts";

/** An undo beside the commit that it takes back. Neither pays for the settling of the other. */
export async function measureUndo(place: Place, files: number, rounds: number): Promise<string> {
  const root = join(place.directory, "undone");
  const before = prepareWork(root, "create", files, 1);
  const draft = await DraftRoot.open(root);
  write(draft, before.root, before.files);
  await draft.commit();
  const timed = async (work: () => Promise<unknown>) => {
    await draft.settle();
    place.measuring(true);
    const start = performance.now();
    await work();
    const elapsedMs = performance.now() - start;
    place.measuring(false);
    return elapsedMs;
  };
  const undosMs: number[] = [];
  const commit: Contestant = {
    name: "commit",
    async measure(round) {
      write(draft, root, makeTextFiles(files, round + 2));
      const commitMs = await timed(() => draft.commit());
      const undoMs = await timed(() => draft.undo());
      if (round > 0) undosMs.push(undoMs);
      checkWork(before);
      return commitMs;
    },
  };
  const samples = await interleave([commit], { rounds });
  await draft.close();
  const commitMs = medianOf(samples.get("commit") ?? []);
  const undoMs = medianOf(undosMs);
  const rows = [
    ["commit", figure(commitMs)],
    ["undo", figure(undoMs)],
  ];
  return (
    `${files} files replaced, ${place.name}\n\n${markdownTable(["", "median ms"], rows)}\n\n` +
    `Undo: ${figure(undoMs / commitMs)} × the commit.`
  );
}

function write(draft: DraftRoot, root: string, files: readonly TextFile[]): void {
  for (const { path, text } of files) draft.fs.writeFileSync(join(root, path), text);
}
