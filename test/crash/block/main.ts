/**
 * The power-cut explorer as a program: `main.js COMMITTER OPTIONS`, the options as JSON; prints an
 * `Exploration` as JSON. Run by `power-cut.long.ts` in a mount namespace of its own.
 */
import process from "node:process";
import type { Committer } from "./committer.ts";
import { DraftCommitter } from "./draft-committer.ts";
import { type ExploreOptions, explore } from "./explore.ts";
import { fsyncEachCommitter, renameCommitter } from "./plain-committers.ts";

const isPack = (path: string) => path.endsWith(".pack");
const isRecord = (path: string) => path.endsWith("/journal/next");
const isJournalDirectory = (path: string) => path.endsWith("/journal");

const committers: Readonly<Record<string, () => Committer>> = {
  durable: () => new DraftCommitter("durable"),
  full: () => new DraftCommitter("full"),
  "durable without slots": () => new DraftCommitter("durable", { slots: true }),
  "durable without fdatasync": () => new DraftCommitter("durable", { fdatasync: true }),
  "durable without fsync of the pack": () =>
    new DraftCommitter("durable", { slots: true, fsync: isPack }),
  "durable without fsync of the record": () =>
    new DraftCommitter("durable", { slots: true, fsync: isRecord }),
  "durable without fsync of the directory": () =>
    new DraftCommitter("durable", { slots: true, fsync: isJournalDirectory }),
  "durable without settling": () => new DraftCommitter("durable", { syncfs: true }),
  "full without syncfs": () => new DraftCommitter("full", { syncfs: true }),
  rename: () => renameCommitter,
  "fsync-each": () => fsyncEachCommitter,
};

const [name = "", options = ""] = process.argv.slice(2);
const make = committers[name];
if (make === undefined) throw new Error(`${name} is not one of ${Object.keys(committers)}.`);
const exploration = await explore(make(), JSON.parse(options) as ExploreOptions);
console.log(JSON.stringify(exploration));
