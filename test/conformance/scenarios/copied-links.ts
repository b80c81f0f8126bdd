import { nodeHabits } from "../../../src/disk/node/node-habits.ts";
import { type Scenario, scenario, type Trial } from "../harness/scenario.ts";
import { directory, type Seed, symlink } from "../harness/seed.ts";

const seed: Seed = {
  f: "f",
  d: directory(),
  "d/f": "d's f",
  "d/s": directory(),
  "to file": symlink("f"),
  "to the same": symlink("./f"),
  absolute: symlink("<root>/f"),
  slashed: symlink("<root>/d/"),
  "to directory": symlink("d"),
  "to sub-directory": symlink("d/s"),
  "through a file": symlink("f/x"),
  nowhere: symlink("none"),
  loop: symlink("loop"),
  here: symlink("."),
};

const skip = { memfs: "memfs has no links in its cp" };

/** Pairs that later releases neither refuse in other words nor end the process for. */
const pairs = [
  ["to file", "through a file"],
  ["to file", "to the same"],
  ["to file", "absolute"],
  ["to file", "to sub-directory"],
  ["slashed", "new"],
  ["slashed", "to file"],
] as const;

async function copyAll(trial: Trial, form: "sync" | "later"): Promise<void> {
  const { at, fs } = trial;
  for (const [source, target] of pairs) {
    // Later releases take what lies behind two links for the two.
    const isJudged = /^(to the same|absolute|to file)$/.test(target);
    if (form === "sync" && isJudged && nodeHabits.copySyncRefusesPlainly) continue;
    for (const verbatimSymlinks of [false, true]) {
      const options = { recursive: true, verbatimSymlinks };
      // What would be text from the working directory to Node is from the root of an overlay here.
      if (verbatimSymlinks && source === "to file") continue;
      if (target === "new") fs.rmSync(at(target), { force: true });
      if (form === "sync") fs.cpSync(at(source), at(target), options);
      else await fs.promises.cp(at(source), at(target), options);
      fs.readlinkSync(at(target));
    }
  }
}

/** Copies of links onto links, and below what a link leads to. */
export const copiedLinks: readonly Scenario[] = [
  scenario(
    "a link is copied onto another one, or refused, by where the two lead",
    (trial) => copyAll(trial, "sync"),
    { seed, skip },
  ),
  scenario(
    "a link is copied onto another one, or refused, by promise",
    (trial) => copyAll(trial, "later"),
    { seed, skip },
  ),
  scenario(
    "a link that leads nowhere is copied onto another one, or refused, by promise",
    async ({ at, fs }) => {
      for (const [source, target] of [
        ["loop", "nowhere"],
        ["nowhere", "loop"],
        ["through a file", "to file"],
      ] as const) {
        await fs.promises.cp(at(source), at(target));
        fs.readlinkSync(at(target));
      }
    },
    { seed, skip },
  ),
  scenario(
    "a directory is not copied below itself by way of a link",
    async ({ at, fs }) => {
      await fs.promises.cp(at("d"), at("to directory/s/er"), { recursive: true });
      await fs.promises.cp(at("d"), at("to directory/new"), { recursive: true });
      await fs.promises.cp(at("d/s"), at("to sub-directory/new"), { recursive: true });
      fs.readdirSync(at("d"));
    },
    { seed, skip },
  ),
  scenario(
    "missing directories above a copy are made, dots and all",
    async ({ at, fs }) => {
      fs.cpSync(at("f"), at("new/../one"));
      await fs.promises.cp(at("f"), at("newer/../two"));
      await fs.promises.cp(at("f"), at("nowhere/x/three"));
      await fs.promises.cp(at("f"), at("f/x/y/three"));
      fs.readdirSync(at(""));
    },
    { seed, skip },
  ),
];
