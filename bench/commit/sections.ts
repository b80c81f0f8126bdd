import type { ownDisk, Place, simulatedDisk } from "../lib/place.ts";
import { writeResults } from "../lib/results.ts";
import { type ManyFilesResult, measureManyFiles, tableOf } from "./many-files.ts";
import type { WorkKind } from "./method.ts";
import { methods } from "./methods/index.ts";
import { callsTable, countCalls } from "./system-calls.ts";

/** How much to measure: everything, or so little that a test can see that it works. */
export interface Scale {
  readonly rounds: number;
  readonly tiny: boolean;
}

export interface Places {
  readonly ownDisk: typeof ownDisk;
  readonly simulatedDisk: typeof simulatedDisk;
}

/** A part of the report, as Markdown. */
export type Section = (scale: Scale, places: Places) => Promise<string>;

const ours = "draftfs";

/** The parts of the report, by the name that `--only` takes. */
export const sections: Readonly<Record<string, Section>> = {
  "flush-1ms": async (scale, places) =>
    manyFiles(scale, await places.simulatedDisk(1000), [
      ["replace", scale.tiny ? [1, 5] : [1, 3, 10, 100, 1000]],
      ["create", scale.tiny ? [5] : [100, 1000]],
      ["delete", scale.tiny ? [5] : [100, 1000]],
    ]),
  "flush-1ms-10000": async (scale, places) =>
    manyFiles({ ...scale, rounds: 1 }, await places.simulatedDisk(1000, 4096), [
      ["replace", [scale.tiny ? 20 : 10_000]],
    ]),
  "flush-0ms": async (scale, places) =>
    manyFiles(scale, await places.simulatedDisk(0), [
      ["replace", scale.tiny ? [1, 5] : [1, 3, 10, 100, 1000]],
    ]),
  "own-disk": async (scale, places) =>
    manyFiles(scale, places.ownDisk(), [
      ["replace", scale.tiny ? [1, 5] : [1, 3, 10, 100, 1000]],
      ["create", scale.tiny ? [5] : [1000]],
    ]),
  calls: async (scale, places) => {
    await using place = (await places.simulatedDisk(0)) ?? places.ownDisk();
    const files = scale.tiny ? 5 : 101;
    const results = Object.entries(methods)
      .filter(([, method]) => method.kinds.includes("replace"))
      .map(([key]) => countCalls(place, key, "replace", files));
    writeResults("commit-calls.json", results);
    return `### System calls, ${files} files replaced\n\n${callsTable(results)}`;
  },
};

async function manyFiles(
  scale: Scale,
  given: Place | undefined,
  grid: readonly (readonly [WorkKind, readonly number[]])[],
): Promise<string> {
  if (given === undefined) return "_No simulated disk here: it takes root on Linux with FUSE._";
  await using place = given;
  const parts: string[] = [];
  for (const [work, sizes] of grid) {
    const results: ManyFilesResult[] = [];
    for (const files of sizes) {
      const rounds = files <= 10 ? scale.rounds * 3 : scale.rounds;
      const budgetMs = scale.tiny ? 0 : 12_000;
      results.push(await measureManyFiles(place, { work, files, rounds, budgetMs }));
    }
    writeResults(`commit-${place.name.replaceAll(/\W+/g, "-")}-${work}.json`, results);
    parts.push(`### ${place.name}: ${work}\n\n${tableOf(results, ours)}`);
  }
  return parts.join("\n\n");
}
