import { type Scenario, type ScenarioOptions, scenario, type Trial } from "../harness/scenario.ts";
import { directory, file, type Seed, symlink } from "../harness/seed.ts";

/** A user that is nobody on any system, for runs as root. */
const someone = 31_415;
const seed: Seed = {
  "mine.txt": "mine",
  "readonly.txt": file("read only", 0o444),
  "writeonly.txt": file("write only", 0o222),
  "closed.txt": file("closed", 0o000),
  "run.sh": file("#!/bin/sh\n", 0o755),
  open: directory(0o755),
  "open/f": "f",
  "open/sub": directory(0o755),
  "open/sub/g": "g",
  noread: directory(0o311),
  "noread/f": "f",
  nosearch: directory(0o644),
  "nosearch/f": "f",
  nowrite: directory(0o555),
  "nowrite/f": "f",
  "nowrite/sub": directory(0o755),
  nothing: directory(0o000),
  "nothing/f": "f",
  link: symlink("closed.txt"),
  dlink: symlink("nosearch"),
};

const memfs = "memfs checks modes against root, whoever runs it";
const asSomeone = (options: ScenarioOptions = {}): ScenarioOptions => ({
  seed,
  uid: someone,
  skip: { memfs },
  ...options,
});

const everything = [
  "mine.txt",
  "readonly.txt",
  "writeonly.txt",
  "closed.txt",
  "noread",
  "noread/f",
  "nosearch",
  "nosearch/f",
  "nowrite",
  "nowrite/f",
  "nothing",
  "nothing/f",
  "link",
  "dlink/f",
];

type Probe = (trial: Trial, path: string) => void;

const probes: Readonly<Record<string, Probe>> = {
  "reading files": ({ fs }, path) => fs.readFileSync(path),
  "writing files": ({ fs }, path) => fs.writeFileSync(path, "x"),
  // Of a file that may be written but not read the overlay cannot know the bytes: see docs/fs.md and
  // test/overlay/write-only.test.ts.
  "appending to files": ({ fs }, path) => {
    if (!path.endsWith("/writeonly.txt")) fs.appendFileSync(path, "x");
  },
  "truncating files": ({ fs }, path) => fs.truncateSync(path, 1),
  "listing directories": ({ fs }, path) => fs.readdirSync(path),
  stat: ({ fs }, path) => fs.statSync(path),
  lstat: ({ fs }, path) => fs.lstatSync(path),
  "access for reading": ({ fs }, path) => fs.accessSync(path, fs.constants.R_OK),
  "access for writing": ({ fs }, path) => fs.accessSync(path, fs.constants.W_OK),
  "access for execution": ({ fs }, path) => fs.accessSync(path, fs.constants.X_OK),
  chmod: ({ fs }, path) => fs.chmodSync(path, 0o200),
  utimes: ({ fs }, path) => fs.utimesSync(path, 1, 2),
  unlink: ({ fs }, path) => fs.unlinkSync(path),
  rmdir: ({ fs }, path) => fs.rmdirSync(path),
  "rm -r": ({ fs }, path) => fs.rmSync(path, { recursive: true }),
  "making an entry below": ({ fs }, path) => fs.writeFileSync(`${path}/new`, "new"),
  "making a directory below": ({ fs }, path) => fs.mkdirSync(`${path}/newd`),
  linking: ({ fs, at }, path) => fs.linkSync(path, at("hard")),
  "renaming away": ({ fs, at }, path) => fs.renameSync(path, at("moved")),
  "renaming onto": ({ fs, at }, path) => fs.renameSync(at("run.sh"), path),
  realpath: ({ fs }, path) => fs.realpathSync(path),
  "opening for both": ({ fs }, path) => {
    const descriptor = fs.openSync(path, "r+");
    if (descriptor !== undefined) fs.closeSync(descriptor);
  },
  copying: ({ fs, at }, path) => fs.copyFileSync(path, at("copy")),
  opendir: ({ fs }, path) => fs.opendirSync(path)?.closeSync(),
};

/** Permission checks of a user without privileges, on lower and on changed nodes. */
export const permissions: readonly Scenario[] = [
  ...Object.entries(probes).map(([label, probe]) =>
    scenario(
      `${label}, of nodes with every mode`,
      (trial) => {
        for (const path of everything) probe(trial, trial.at(path));
      },
      asSomeone(),
    ),
  ),
  ...Object.entries(probes).map(([label, probe]) =>
    scenario(
      `${label}, as root or whoever runs this`,
      (trial) => {
        for (const path of everything) probe(trial, trial.at(path));
      },
      { seed, skip: { memfs } },
    ),
  ),
  scenario(
    "modes set in the overlay are enforced there",
    ({ fs, at }) => {
      fs.chmodSync(at("mine.txt"), 0o000);
      fs.readFileSync(at("mine.txt"));
      fs.writeFileSync(at("mine.txt"), "x");
      fs.chmodSync(at("open"), 0o000);
      fs.readdirSync(at("open"));
      fs.readFileSync(at("open/f"));
      fs.statSync(at("open/sub"));
      fs.chmodSync(at("open"), 0o500);
      fs.writeFileSync(at("open/new"), "x");
      fs.readFileSync(at("open/f"));
      fs.writeFileSync(at("open/f"), "allowed: the file is writable");
      fs.unlinkSync(at("open/f"));
      fs.renameSync(at("open/sub"), at("sub"));
      fs.chmodSync(at("open"), 0o755);
      fs.unlinkSync(at("open/f"));
    },
    asSomeone(),
  ),
  scenario(
    "modes opened up in the overlay open the lower content",
    ({ fs, at }) => {
      fs.chmodSync(at("nosearch"), 0o755);
      fs.readFileSync(at("nosearch/f"), "utf8");
      fs.chmodSync(at("noread"), 0o755);
      fs.readdirSync(at("noread"));
      fs.chmodSync(at("nowrite"), 0o755);
      fs.writeFileSync(at("nowrite/n"), "n");
      fs.chmodSync(at("readonly.txt"), 0o644);
      fs.appendFileSync(at("readonly.txt"), "+");
      fs.readFileSync(at("readonly.txt"), "utf8");
    },
    asSomeone({
      skip: {
        memfs,
        plain: "the lower's own mode still keeps this user out",
        "rolled back": "the lower's own mode still keeps this user out",
        redirect: "the lower's own mode still keeps this user out",
        stacked: "the lower's own mode still keeps this user out",
        spilled: "the lower's own mode still keeps this user out",
        pressed: "the lower's own mode still keeps this user out",
      },
    }),
  ),
  scenario(
    "dots ask for the right to search",
    ({ fs, at }) => {
      for (const directory of ["nosearch", "nothing", "noread", "open"]) {
        fs.statSync(`${at(directory)}/.`);
        fs.statSync(`${at(directory)}/../mine.txt`);
        fs.statSync(`${at(directory)}/./../mine.txt`);
        fs.writeFileSync(`${at(directory)}/../mine.txt`, directory);
      }
    },
    asSomeone(),
  ),
  scenario(
    "what may be copied onto, linked and unlinked of other users",
    ({ fs, at }) => {
      fs.copyFileSync(at("mine.txt"), at("open/foreign.txt"));
      fs.readdirSync(at("open"));
      fs.copyFileSync(at("mine.txt"), at("nowrite/foreign.txt"));
      fs.readFileSync(at("nowrite/foreign.txt"), "utf8");
      fs.linkSync(at("nowrite/theirs.txt"), at("nowrite/link"));
      fs.linkSync(at("nowrite/theirs.txt"), at("open/link"));
      fs.linkSync(at("nowrite/directory"), at("nowrite/link"));
      fs.linkSync(at("open/sub"), at("nowrite/link"));
      for (const path of ["f", "f/", "sub", "sub/", "none", "none/"]) {
        fs.unlinkSync(`${at("nowrite")}/${path}`);
      }
    },
    asSomeone({
      seed: {
        ...seed,
        "open/foreign.txt": file("foreign", 0o666),
        "nowrite/foreign.txt": file("foreign", 0o666),
        "nowrite/theirs.txt": file("theirs", 0o644),
        "nowrite/directory": directory(0o755),
      },
      foreign: [
        "open/foreign.txt",
        "nowrite/foreign.txt",
        "nowrite/theirs.txt",
        "nowrite/directory",
      ],
    }),
  ),
  scenario(
    "a rename that fails leaves its target in place",
    ({ fs, at }) => {
      fs.mkdirSync(at("open/empty"));
      fs.renameSync(at("nowrite"), at("open/empty"));
      fs.renameSync(at("nowrite"), at("open/sub"));
      fs.renameSync(at("mine.txt"), at("open/empty"));
      fs.readdirSync(at("open"));
    },
    asSomeone(),
  ),
  scenario(
    "new nodes are enforced by their modes",
    ({ fs, at }) => {
      fs.mkdirSync(at("n"), 0o300);
      fs.writeFileSync(at("n/f"), "f", { mode: 0o200 });
      fs.readdirSync(at("n"));
      fs.readFileSync(at("n/f"));
      fs.statSync(at("n/f"));
      fs.mkdirSync(at("m"), 0o500);
      fs.writeFileSync(at("m/f"), "f");
      fs.rmdirSync(at("m"));
    },
    asSomeone(),
  ),
  scenario(
    "a descriptor keeps what it was opened for",
    ({ fs, at }) => {
      const descriptor = fs.openSync(at("mine.txt"), "r+");
      fs.chmodSync(at("mine.txt"), 0o000);
      fs.writeSync(descriptor, "MINE", 0);
      fs.readSync(descriptor, Buffer.alloc(4), 0, 4, 0);
      fs.closeSync(descriptor);
      fs.openSync(at("mine.txt"), "r");
    },
    asSomeone(),
  ),
  scenario(
    "a directory that may not be written cannot be moved to another parent",
    ({ fs, at }) => {
      fs.renameSync(at("nowrite"), at("open/nowrite"));
      fs.renameSync(at("nowrite"), at("renamed"));
      fs.renameSync(at("nothing"), at("open/nothing"));
    },
    asSomeone(),
  ),
  scenario(
    "chown is for root, chgrp for members",
    ({ fs, at }) => {
      fs.chownSync(at("mine.txt"), 0, 0);
      fs.chownSync(at("mine.txt"), someone + 1, -1);
      fs.chownSync(at("mine.txt"), -1, someone + 1);
      fs.chownSync(at("mine.txt"), -1, -1);
      fs.statSync(at("mine.txt"));
    },
    asSomeone(),
  ),
  scenario(
    "setgid falls off where the group is foreign",
    ({ fs, at }) => {
      fs.chmodSync(at("mine.txt"), 0o6755);
      fs.statSync(at("mine.txt"));
      fs.appendFileSync(at("mine.txt"), "+");
      fs.statSync(at("mine.txt"));
    },
    asSomeone(),
  ),
  scenario(
    "rm -r stops where it may not go on",
    ({ fs, at }) => {
      fs.chmodSync(at("open/sub"), 0o500);
      // Which of the two it comes to first is for the disk to say.
      fs.unlinkSync(at("open/f"));
      fs.rmSync(at("open"), { recursive: true });
      fs.existsSync(at("open/sub/g"));
    },
    asSomeone(),
  ),
  scenario(
    "mkdir -p fails where it may not write",
    ({ fs, at }) => {
      fs.mkdirSync(at("nowrite/a/b"), { recursive: true });
      fs.mkdirSync(at("nosearch/a/b"), { recursive: true });
      fs.mkdirSync(at("nothing"), { recursive: true });
      fs.mkdirSync(at("nothing/a"), { recursive: true });
    },
    asSomeone(),
  ),
  scenario(
    "files of others",
    ({ fs, at }) => {
      fs.readFileSync(at("theirs/f"), "utf8");
      fs.writeFileSync(at("theirs/f"), "x");
      fs.chmodSync(at("theirs/f"), 0o777);
      fs.utimesSync(at("theirs/f"), 1, 2);
      fs.utimesSync(at("theirs/w"), 1, 2);
      fs.chownSync(at("theirs/f"), -1, -1);
      fs.appendFileSync(at("theirs/w"), "+");
      fs.linkSync(at("theirs/w"), at("w"));
      fs.linkSync(at("theirs/f"), at("f"));
      fs.unlinkSync(at("theirs/f"));
      fs.renameSync(at("theirs/f"), at("x"));
      fs.renameSync(at("theirs"), at("renamed"));
      fs.writeFileSync(at("theirs/n"), "n");
    },
    asSomeone({
      seed: {
        theirs: directory(0o755),
        "theirs/f": file("f", 0o644),
        "theirs/w": file("w", 0o666),
      },
      foreign: ["theirs", "theirs/f", "theirs/w"],
      skip: { memfs, upper: "the tree is handed over through the overlay by chown" },
    }),
  ),
  scenario(
    "a sticky directory protects what others own",
    ({ fs, at }) => {
      fs.unlinkSync(at("tmp/theirs"));
      fs.renameSync(at("tmp/theirs"), at("tmp/x"));
      fs.renameSync(at("tmp/mine"), at("tmp/theirs"));
      fs.rmdirSync(at("tmp/theird"));
      fs.unlinkSync(at("tmp/mine"));
      fs.writeFileSync(at("tmp/n"), "n");
      fs.renameSync(at("tmp/n"), at("tmp/m"));
      fs.readdirSync(at("tmp"));
    },
    asSomeone({
      seed: {
        tmp: directory(0o1777),
        "tmp/theirs": file("theirs", 0o666),
        "tmp/mine": file("mine", 0o666),
        "tmp/theird": directory(0o777),
      },
      foreign: ["tmp", "tmp/theirs", "tmp/theird"],
    }),
  ),
  scenario(
    "a sticky bit set in the overlay protects",
    ({ fs, at }) => {
      fs.chmodSync(at("tmp"), 0o1777);
      fs.unlinkSync(at("tmp/theirs"));
      fs.unlinkSync(at("tmp/mine"));
      fs.readdirSync(at("tmp"));
    },
    asSomeone({
      seed: { tmp: directory(0o777), "tmp/theirs": "theirs", "tmp/mine": "mine" },
      foreign: ["tmp/theirs"],
    }),
  ),
];
