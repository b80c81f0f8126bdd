import { type Scenario, scenario, type Trial } from "../harness/scenario.ts";

/** What a call can be pointed at. */
const targets: Readonly<Record<string, string>> = {
  "a missing name": "missing",
  "a name below a missing directory": "missing/x",
  "a name below a file": "a.txt/x",
  "a file with a slash at its end": "a.txt/",
  "a file": "a.txt",
  "a directory": "d",
  "an empty directory with a slash": "e/",
  "a link to a file": "link",
  "a link to a directory": "dlink",
  "a link to a directory with a slash": "dlink/",
  "a dangling link": "dangling",
  "a name below a dangling link": "dangling/x",
  "a link in a loop": "loop1",
  "a hard link": "h1",
};

type Call = (trial: Trial, path: string) => unknown;

/** Every call that takes one path, in its three forms by turns. */
const calls: Readonly<Record<string, Call>> = {
  access: ({ fs }, path) => fs.accessSync(path),
  appendFile: ({ fs }, path) => fs.promises.appendFile(path, "+"),
  chmod: ({ callback }, path) => callback("chmod", path, 0o640),
  chown: ({ fs }, path) => fs.chownSync(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0),
  copyFileFrom: ({ fs, at }, path) => fs.promises.copyFile(path, at("copy")),
  copyFileTo: ({ fs, at }, path) => fs.copyFileSync(at("b.txt"), path),
  createExclusive: ({ fs }, path) => fs.promises.writeFile(path, "x", { flag: "wx" }),
  exists: ({ fs }, path) => fs.existsSync(path),
  lchown: ({ callback }, path) =>
    callback("lchown", path, process.getuid?.() ?? 0, process.getgid?.() ?? 0),
  linkFrom: ({ fs, at }, path) => fs.linkSync(path, at("hard")),
  linkTo: ({ fs, at }, path) => fs.promises.link(at("b.txt"), path),
  lstat: ({ callback }, path) => callback("lstat", path),
  lutimes: ({ fs }, path) => fs.lutimesSync(path, 5, 6),
  mkdir: ({ fs }, path) => fs.promises.mkdir(path),
  mkdirRecursive: ({ fs }, path) => fs.mkdirSync(path, { recursive: true }),
  mkdtemp: ({ fs }, path) => fs.mkdtempSync(path),
  opendir: async ({ callback }, path) => {
    const dir = (await callback("opendir", path)) as { closeSync?: () => void } | undefined;
    dir?.closeSync?.();
  },
  openRead: ({ fs }, path) => closeIfOpen(fs, fs.openSync(path, "r")),
  openWrite: ({ fs }, path) => closeIfOpen(fs, fs.openSync(path, "r+")),
  readdir: ({ fs }, path) => fs.promises.readdir(path),
  readdirTypes: ({ callback }, path) => callback("readdir", path, { withFileTypes: true }),
  readFile: ({ fs }, path) => fs.promises.readFile(path, "utf8"),
  readlink: ({ callback }, path) => callback("readlink", path),
  realpath: ({ fs }, path) => fs.promises.realpath(path),
  realpathSync: ({ fs }, path) => fs.realpathSync(path),
  renameFrom: ({ fs, at }, path) => fs.promises.rename(path, at("renamed")),
  renameFileTo: ({ fs, at }, path) => fs.renameSync(at("b.txt"), path),
  renameDirectoryTo: ({ callback, at }, path) => callback("rename", at("d/sub"), path),
  rm: ({ fs }, path) => fs.promises.rm(path),
  rmForce: ({ fs }, path) => fs.rmSync(path, { force: true }),
  rmRecursive: ({ callback }, path) => callback("rm", path, { recursive: true }),
  rmdir: ({ fs }, path) => fs.rmdirSync(path),
  stat: ({ fs }, path) => fs.promises.stat(path),
  symlink: ({ callback }, path) => callback("symlink", "target", path),
  truncate: ({ fs }, path) => fs.promises.truncate(path, 2),
  unlink: ({ callback }, path) => callback("unlink", path),
  utimes: ({ fs }, path) => fs.utimesSync(path, 7, 8),
  writeFile: ({ callback }, path) => callback("writeFile", path, "written"),
};

function closeIfOpen(fs: Trial["fs"], descriptor: number | undefined): void {
  if (descriptor !== undefined) fs.closeSync(descriptor);
}

/** Each call on each target, once untouched and once copied up or created in the overlay. */
export const errors: readonly Scenario[] = Object.entries(calls).flatMap(([call, run]) =>
  Object.entries(targets).map(([label, target]) =>
    scenario(`${call} of ${label}`, async (trial) => {
      await run(trial, trial.at(target));
    }),
  ),
);

/** The same after the overlay has touched everything that the calls may meet. */
export const errorsAfterChanges: readonly Scenario[] = Object.entries(calls).map(([call, run]) =>
  scenario(`${call} of everything, after changes`, async (trial) => {
    const { fs, at } = trial;
    fs.appendFileSync(at("a.txt"), "+");
    fs.chmodSync(at("d"), 0o750);
    fs.renameSync(at("e"), at("e2"));
    fs.mkdirSync(at("e"));
    fs.unlinkSync(at("dangling"));
    fs.symlinkSync("nowhere2", at("dangling"));
    for (const target of Object.values(targets)) await run(trial, at(target));
  }),
);
