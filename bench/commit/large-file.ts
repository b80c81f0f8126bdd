import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Contestant, interleave } from "../lib/interleave.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";

/** One large file through the overlay and a commit, beside `cp` and an fsync. */
export async function measureLargeFile(
  place: Place,
  options: { readonly sizeMib: number; readonly rounds: number },
): Promise<string> {
  const source = join(place.directory, "source");
  writeRandom(source, options.sizeMib);
  const writesMib: number[] = [];
  const commitsMib: number[] = [];
  const commitsMs: number[] = [];
  const draftfs: Contestant = {
    name: "draftfs: write into the overlay + commit",
    async measure(round) {
      const root = join(place.directory, `root-${round}`);
      fs.mkdirSync(root);
      place.measuring(true);
      const program = fileURLToPath(new URL("./large-file-commit.js", import.meta.url));
      const output = execFileSync(process.execPath, ["--expose-gc", program, root, source]);
      place.measuring(false);
      const { writeMs, commitMs, writeMib, commitMib } = JSON.parse(output.toString());
      writesMib.push(writeMib);
      commitsMib.push(commitMib);
      if (round > 0) commitsMs.push(commitMs);
      if (fs.statSync(join(root, "large")).size !== options.sizeMib * 1024 ** 2) {
        throw new Error("The large file is not what it should be.");
      }
      fs.rmSync(root, { recursive: true });
      execFileSync("sync", ["-f", place.directory]);
      return writeMs + commitMs;
    },
  };
  const copy: Contestant = {
    name: "cp + fsync",
    async measure() {
      const target = join(place.directory, "copy");
      place.measuring(true);
      const start = performance.now();
      execFileSync("cp", ["--reflink=never", source, target]);
      execFileSync("sync", [target]);
      const elapsedMs = performance.now() - start;
      place.measuring(false);
      fs.rmSync(target);
      execFileSync("sync", ["-f", place.directory]);
      return elapsedMs;
    },
  };
  const samples = await interleave([draftfs, copy], { rounds: options.rounds });
  const own = medianOf(samples.get(draftfs.name) ?? []);
  const theirs = medianOf(samples.get(copy.name) ?? []);
  const rows = [
    [draftfs.name, figure(own)],
    ["of that, the commit", figure(medianOf(commitsMs))],
    [copy.name, figure(theirs)],
  ];
  return (
    `${options.sizeMib} MiB in one file, ${place.name}\n\n${markdownTable(["", "median ms"], rows)}` +
    `\n\nSpeed against cp + fsync: ${figure(theirs / own)} ×. ` +
    `Growth of memory: at most ${figure(Math.max(...writesMib))} MiB by the writes into the ` +
    `overlay, which keeps 100 MiB, and ${figure(Math.max(...commitsMib))} MiB more by the commit.`
  );
}

function writeRandom(path: string, sizeMib: number): void {
  const descriptor = fs.openSync(path, "w");
  const buffer = Buffer.alloc(1024 ** 2);
  for (let index = 0; index < sizeMib; index++) {
    fs.writeSync(descriptor, randomFillSync(buffer));
  }
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}
