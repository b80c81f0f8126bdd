import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { checkWork, prepareWork } from "./work-tree.ts";

/** How long it takes to finish a commit that SIGKILL interrupted when half of it was applied. */
export async function measureRecovery(
  place: Place,
  files: number,
  rounds: number,
): Promise<string> {
  const samples: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const root = join(place.directory, `killed-${round}`);
    const work = prepareWork(root, "replace", files, round);
    const { signal } = spawnSync(process.execPath, [
      programOf("killed-commit.js"),
      ...[root, String(files), String(round)],
    ]);
    if (signal !== "SIGKILL") throw new Error("The commit was not killed.");
    execFileSync("sync", ["-f", root]);
    place.measuring(true);
    const output = execFileSync(process.execPath, [programOf("recovering.js"), root]);
    place.measuring(false);
    checkWork(work);
    samples.push(Number(output.toString()));
    fs.rmSync(root, { recursive: true });
  }
  return (
    `Recovery of ${files} files after SIGKILL halfway, ${place.name}: ` +
    `median ${figure(medianOf(samples))} ms of ${rounds}, most ${figure(Math.max(...samples))} ms.`
  );
}

function programOf(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}
