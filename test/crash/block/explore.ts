import fs from "node:fs";
import { join } from "node:path";
import type { FileSystem } from "../../support/block-device.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import type { Committer } from "./committer.ts";
import {
  type Cut,
  chooseCuts,
  durablePosition,
  type Patch,
  survivorsOf,
  writesBetween,
} from "./cut.ts";
import { examine, type Finding, type Reached, type Verdict } from "./examine.ts";
import { type Recording, record } from "./recording.ts";
import { type LogRecord, readWriteLog } from "./write-log.ts";

export interface ExploreOptions {
  readonly fileSystem: FileSystem;
  readonly transactions: number;
  /** Whether transactions link files, which makes them write in place. */
  readonly hardLinks: boolean;
  /** How many power cuts to try. */
  readonly cuts: number;
  /** Of these, the share that is followed by a second cut while recovery is at work. */
  readonly secondCuts: number;
  readonly seed: number;
}

export interface Exploration {
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** States in which, before recovery, some file was empty or torn. */
  readonly exposed: number;
  readonly flushes: number;
  readonly writes: number;
  /** The first few findings that are not sound, for a person. */
  readonly failures: readonly string[];
}

/** Records a run of `committer`, cuts the power at many moments, and counts what became of them. */
export async function explore(committer: Committer, options: ExploreOptions): Promise<Exploration> {
  const workspace = fs.mkdtempSync("/dev/shm/draftfs-explore-");
  try {
    const recording = await record(committer, { ...options, workspace });
    const random = new SeededRandom(options.seed ^ 0x5eed);
    const start = recording.log.findIndex((entry) => entry.kind === "mark");
    const end = recording.log.findLastIndex((entry) => entry.kind === "mark");
    const cuts = chooseCuts(recording.log, random, { start, end, count: options.cuts });
    const findings = new Findings(recording.log);
    const image = new RollingImage(recording);
    for (const cut of cuts) {
      const pending = image.rollTo(cut.position);
      const patches = survivorsOf(pending, cut, random);
      const second = random.chance(options.secondCuts);
      const log = second ? join(workspace, "recovery-log") : undefined;
      const reached = reachedAt(recording.log, cut.position);
      const run = (survivors: readonly Patch[], logPath?: string) =>
        examine(committer, recording, options.fileSystem, reached, survivors, logPath);
      const finding = await run(patches, log);
      findings.add(cut, reached, finding);
      if (log === undefined || finding.verdict === "unmountable") continue;
      const later = cutRecovery(readWriteLog(log), patches, random);
      if (later !== undefined) findings.add(cut, reached, await run(later), "again in recovery");
    }
    return findings.summary();
  } finally {
    fs.rmSync(workspace, { recursive: true, force: true });
  }
}

/** The image of a recording, brought forward to what is durable at one position after another. */
class RollingImage {
  readonly #recording: Recording;
  #position = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** @returns the writes after it that are not durable at `position`, which must not go back. */
  rollTo(position: number): Patch[] {
    const { image, log } = this.#recording;
    const durable = durablePosition(log, position);
    const descriptor = fs.openSync(image, "r+");
    for (const { offset, data } of writesBetween(log, this.#position, durable)) {
      fs.writeSync(descriptor, data, 0, data.length, offset);
    }
    fs.closeSync(descriptor);
    this.#position = Math.max(this.#position, durable);
    return writesBetween(log, durable, position);
  }
}

/** What a second power cut leaves, at a random moment after the file system was mounted again. */
function cutRecovery(
  log: readonly LogRecord[],
  earlier: readonly Patch[],
  random: SeededRandom,
): Patch[] | undefined {
  const start = log.findIndex((entry) => entry.kind === "mark" && entry.text === "mounted");
  const [cut] = chooseCuts(log, random, { start, end: log.length, count: 1 });
  if (start < 0 || cut === undefined) return undefined;
  const durable = durablePosition(log, cut.position);
  const survivors = survivorsOf(writesBetween(log, durable, cut.position), cut, random);
  return [...earlier, ...writesBetween(log, 0, durable), ...survivors];
}

function reachedAt(log: readonly LogRecord[], position: number): Reached {
  const countOf = (word: string) =>
    log.slice(0, position).filter((entry) => entry.kind === "mark" && entry.text.startsWith(word))
      .length;
  return { acknowledged: countOf("acknowledged"), begun: countOf("begin") };
}

class Findings {
  readonly #log: readonly LogRecord[];
  readonly #failures: string[] = [];
  readonly #verdicts: Record<Verdict, number> = {
    sound: 0,
    mixed: 0,
    lost: 0,
    stuck: 0,
    unstable: 0,
    store: 0,
    unmountable: 0,
  };
  #exposed = 0;

  constructor(log: readonly LogRecord[]) {
    this.#log = log;
  }

  add(cut: Cut, reached: Reached, finding: Finding, note = ""): void {
    this.#verdicts[finding.verdict] += 1;
    if (finding.exposed) this.#exposed += 1;
    if (finding.verdict === "sound") return;
    this.#failures.push(
      `${finding.verdict} ${note}: cut at ${cut.position} of ${this.#log.length} ` +
        `(${cut.remainder}), ${reached.acknowledged} acknowledged, ${reached.begun} begun\n  ` +
        finding.detail.join("\n  "),
    );
  }

  summary(): Exploration {
    const countOf = (kind: LogRecord["kind"]) =>
      this.#log.filter((entry) => entry.kind === kind).length;
    return {
      verdicts: this.#verdicts,
      exposed: this.#exposed,
      flushes: countOf("flush"),
      writes: countOf("write"),
      failures: this.#failures.slice(0, 5),
    };
  }
}
