import type { ownDisk, Place, simulatedDisk } from "../lib/place.ts";
import { writeResults } from "../lib/results.ts";
import { measureDifferences } from "./differences.ts";
import { measureHelp } from "./help.ts";
import { measureLargeFile } from "./large-file.ts";
import { measureLargeTree } from "./large-tree.ts";
import { firstTable, type ManyFilesResult, measureManyFiles, tableOf } from "./many-files.ts";
import type { WorkKind } from "./method.ts";
import { methods } from "./methods/index.ts";
import { measureOpen } from "./open.ts";
import { measureRecovery } from "./recovery.ts";
import { callsTable, countCalls, hasStrace } from "./system-calls.ts";
import { measureUndo } from "./undo.ts";

/** How much to measure: everything, or so little that a test can see that it works. */
export interface Scale {
  readonly rounds: number;
  readonly tiny: boolean;
  /** The methods to compare, ours first; all of them where it is left out. */
  readonly keys?: readonly string[] | undefined;
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
      ["replace", scale.tiny ? [] : [1, 3, 10, 100, 1000]],
      ["create", scale.tiny ? [1] : [1000]],
      ["delete", scale.tiny ? [] : [1000]],
    ]),
  "flush-1ms-10000": async (scale, places) =>
    manyFiles(
      { ...scale, rounds: 1 },
      await places.simulatedDisk(1000, { mib: 4096 }),
      [["replace", [scale.tiny ? 2 : 10_000]]],
      // That every method can replace files is seen in `own-disk`.
      scale.tiny ? [ours, "plain"] : (scale.keys ?? Object.keys(methods)),
    ),
  "flush-0ms": async (scale, places) =>
    manyFiles(scale, await places.simulatedDisk(0), [
      ["replace", scale.tiny ? [] : [1, 3, 10, 100, 1000]],
      ["delete", scale.tiny ? [2] : []],
    ]),
  "own-disk": async (scale, places) =>
    manyFiles(scale, places.ownDisk(), [
      ["replace", scale.tiny ? [3] : [1, 3, 10, 100, 1000]],
      ["create", scale.tiny ? [] : [1000]],
    ]),
  calls: async (scale, places) => {
    if (!hasStrace()) return "_System calls cannot be counted here: strace is missing._";
    await using place = (await places.simulatedDisk(0)) ?? places.ownDisk();
    const files = scale.tiny ? 3 : 101;
    const results = Object.entries(methods)
      .filter(([, { kinds }]) => kinds.includes("replace"))
      .filter(([key]) => !scale.tiny || key === ours)
      .map(([key]) => countCalls(place, key, "replace", files));
    if (!scale.tiny) writeResults("commit-calls.json", results);
    return `### System calls, ${files} files replaced\n\n${callsTable(results)}`;
  },
  "large-tree": async (scale, places) => {
    const files = scale.tiny ? 500 : 500_000;
    const size = scale.tiny ? {} : { mib: 4096, inodes: 700_000 };
    await using place = (await places.simulatedDisk(0, size)) ?? places.ownDisk();
    const changes = scale.tiny ? 5 : 50;
    const rounds = scale.rounds * 3;
    return `### Large tree\n\n${await measureLargeTree(place, { files, changes, rounds })}`;
  },
  undo: async (scale, places) => {
    await using place = (await places.simulatedDisk(1000)) ?? places.ownDisk();
    return `### Undo\n\n${await measureUndo(place, scale.tiny ? 10 : 1000, scale.rounds * 2)}`;
  },
  open: async (scale, places) => {
    const size = scale.tiny ? {} : { inodes: 200_000 };
    await using place = (await places.simulatedDisk(0, size)) ?? places.ownDisk();
    const files = scale.tiny ? 500 : 100_000;
    return `### Opening\n\n${await measureOpen(place, files, scale.rounds * 4)}`;
  },
  recovery: async (scale, places) => {
    await using place = (await places.simulatedDisk(1000)) ?? places.ownDisk();
    const files = scale.tiny ? 10 : 1000;
    return `### Recovery\n\n${await measureRecovery(place, files, scale.rounds)}`;
  },
  "large-file": async (scale, places) => {
    const sizeMib = scale.tiny ? 4 : 1024;
    const size = scale.tiny ? {} : { mib: 6144 };
    await using place = (await places.simulatedDisk(1000, size)) ?? places.ownDisk();
    const rounds = Math.min(scale.rounds, 3);
    return `### Large file\n\n${await measureLargeFile(place, { sizeMib, rounds })}`;
  },
  differences: async (scale, places) => {
    await using place = places.ownDisk();
    const files = scale.tiny ? 2 : 20;
    return `### Differences\n\n${await measureDifferences(place, { files, rounds: scale.rounds })}`;
  },
  help: async (scale) => `### Start of the command line\n\n${await measureHelp(scale.rounds * 4)}`,
};

async function manyFiles(
  scale: Scale,
  given: Place | undefined,
  grid: readonly (readonly [WorkKind, readonly number[]])[],
  keys: readonly string[] = scale.keys ?? Object.keys(methods),
): Promise<string> {
  if (given === undefined) return "_No simulated disk here: it takes root on Linux with FUSE._";
  await using place = given;
  const parts: string[] = [];
  for (const [work, sizes] of grid) {
    if (sizes.length === 0) continue;
    const results: ManyFilesResult[] = [];
    for (const files of sizes) {
      // Few files are soon done with; with many, code that is compiled on the way needs its time.
      const isShort = files <= 10 || files >= 1000;
      const rounds = isShort && !scale.tiny ? scale.rounds * 3 : scale.rounds;
      const warmUp = !scale.tiny;
      results.push(
        await measureManyFiles(place, { work, files, rounds, budgetMs: 12_000, warmUp, keys }),
      );
    }
    const name = `commit-${place.name.replaceAll(/\W+/g, "-")}-${work}.json`;
    if (!scale.tiny) writeResults(name, results);
    const table = scale.tiny ? "" : `\n\n${firstTable(results)}`;
    parts.push(`### ${place.name}: ${work}\n\n${tableOf(results, keys[0] ?? "")}${table}`);
  }
  return parts.join("\n\n");
}
