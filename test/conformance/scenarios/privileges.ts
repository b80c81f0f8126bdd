import { type Scenario, type ScenarioOptions, scenario } from "../harness/scenario.ts";
import { directory, file } from "../harness/seed.ts";

/** A user that is nobody on any system, for runs as root. */
const someone = 31_415;

const memfs = "memfs checks modes against root, whoever runs it";
const asSomeone: ScenarioOptions = {
  uid: someone,
  skip: { memfs },
  seed: {
    mine: "mine",
    lock: file("theirs", 0o2666),
    program: file("theirs", 0o2676),
    suid: file("theirs", 0o4666),
    both: file("theirs", 0o6666),
    plain: file("theirs", 0o666),
    closed: file("theirs", 0o600),
    directory: directory(0o777),
    group: directory(0o2777),
    shared: directory(0o3777),
  },
  foreign: ["lock", "program", "suid", "both", "plain", "closed", "directory", "group", "shared"],
};

/** The bits and rights that come with owners and groups, for a user who is neither. */
export const privileges: readonly Scenario[] = [
  scenario(
    "setgid without the right to execute stays for members of the group only",
    ({ fs, at }) => {
      for (const name of ["lock", "program", "suid", "both"]) {
        fs.appendFileSync(at(name), "+");
        fs.statSync(at(name));
      }
    },
    asSomeone,
  ),
  scenario(
    "cutting takes setgid away too, and so does emptying",
    ({ fs, at }) => {
      fs.truncateSync(at("lock"), 3);
      fs.statSync(at("lock"));
      fs.writeFileSync(at("both"), "");
      fs.statSync(at("both"));
    },
    asSomeone,
  ),
  scenario(
    "a file made with setgid loses it by its first bytes",
    ({ fs, at }) => {
      for (const mode of [0o2755, 0o2644, 0o4755, 0o6711]) {
        fs.writeFileSync(at("new"), "bytes", { mode });
        fs.statSync(at("new"));
        fs.unlinkSync(at("new"));
        fs.writeFileSync(at("new"), "", { mode });
        fs.statSync(at("new"));
        fs.unlinkSync(at("new"));
      }
    },
    asSomeone,
  ),
  scenario(
    "a directory of another group gives its files no setgid that they could be run with",
    ({ fs, at }) => {
      for (const name of ["group", "shared", "directory"]) {
        for (const mode of [0o2755, 0o2644, 0o2710]) {
          const descriptor = fs.openSync(at(`${name}/n`), "w", mode);
          fs.fstatSync(descriptor);
          fs.closeSync(descriptor);
          fs.unlinkSync(at(`${name}/n`));
        }
      }
    },
    asSomeone,
  ),
  scenario(
    "copying onto a file of another group gives it no setgid",
    ({ fs, at }) => {
      fs.chmodSync(at("mine"), 0o2755);
      fs.statSync(at("mine"));
      fs.copyFileSync(at("mine"), at("group/copy"));
      fs.statSync(at("group/copy"));
      fs.copyFileSync(at("mine"), at("copy"));
      fs.statSync(at("copy"));
    },
    asSomeone,
  ),
  scenario(
    "a copy has the owner of its source where Node keeps it and this user may give it",
    async ({ fs, at }) => {
      fs.copyFileSync(at("plain"), at("copy"));
      fs.statSync(at("copy"));
      fs.copyFileSync(at("suid"), at("group/copy"));
      fs.statSync(at("group/copy"));
      await fs.promises.cp(at("plain"), at("later"));
      fs.statSync(at("later"));
      fs.cpSync(at("tree"), at("other"), { recursive: true });
      fs.cpSync(at("tree"), at("asked"), { recursive: true, filter: () => true });
      await fs.promises.cp(at("tree"), at("promised"), { recursive: true });
      for (const name of ["other", "asked", "promised"]) fs.statSync(at(`${name}/f`));
    },
    { ...asSomeone, seed: { ...asSomeone.seed, tree: directory(), "tree/f": "f" } },
  ),
  scenario(
    "root's copy of what somebody else owns",
    async ({ fs, at }) => {
      if (process.geteuid?.() !== 0) return;
      for (const name of ["mine", "tree/f"]) fs.chownSync(at(name), someone, someone + 1);
      fs.chmodSync(at("mine"), 0o6755);
      fs.copyFileSync(at("mine"), at("copy"));
      fs.copyFileSync(at("mine"), at("plain"));
      fs.cpSync(at("tree"), at("other"), { recursive: true });
      fs.cpSync(at("tree"), at("asked"), { recursive: true, filter: () => true });
      await fs.promises.cp(at("tree"), at("promised"), { recursive: true });
    },
    {
      seed: { ...asSomeone.seed, tree: directory(), "tree/f": "f" },
      skip: { memfs },
    },
  ),
  scenario(
    "chown that changes nothing is for the owner where it takes setuid or setgid away",
    ({ fs, at }) => {
      for (const name of ["plain", "lock", "program", "suid", "both", "directory", "group"]) {
        fs.chownSync(at(name), -1, -1);
        fs.lchownSync(at(name), -1, -1);
        fs.statSync(at(name));
      }
    },
    asSomeone,
  ),
  scenario(
    "the owner and the group that a file has already can be given by its owner alone",
    ({ fs, at }) => {
      const { uid, gid } = fs.statSync(at("plain")) ?? { uid: 0, gid: 0 };
      for (const name of ["plain", "directory", "shared"]) {
        fs.chownSync(at(name), -1, gid);
        fs.chownSync(at(name), uid, -1);
        fs.chownSync(at(name), uid, gid);
        fs.chownSync(at(name), 0xffff_ffff, gid);
      }
      fs.chownSync(at("mine"), -1, fs.statSync(at("mine"))?.gid ?? -1);
    },
    asSomeone,
  ),
  scenario(
    "reading without moving the time of access is for the owner",
    ({ fs, at }) => {
      const { O_NOATIME, O_RDONLY, O_RDWR, O_TRUNC, O_CREAT } =
        fs.constants as typeof fs.constants & {
          readonly O_NOATIME: number;
        };
      for (const name of ["plain", "closed", "mine", "directory", "group/none"]) {
        for (const flags of [O_RDONLY, O_RDWR, O_RDWR | O_TRUNC, O_RDWR | O_CREAT]) {
          const descriptor = fs.openSync(at(name), flags | O_NOATIME);
          if (descriptor !== undefined) fs.closeSync(descriptor);
        }
      }
      fs.readFileSync(at("plain"), "utf8");
    },
    asSomeone,
  ),
];
