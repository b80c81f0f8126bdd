import { type Scenario, scenario, type Trial } from "../harness/scenario.ts";
import { directory, hardlink, type Seed, type SeedNode, symlink } from "../harness/seed.ts";

/** What a call can be pointed at, and the nodes that it takes to have it. */
const targets: Readonly<Record<string, { readonly path: string; readonly seed: Seed }>> = {
  "a missing name": { path: "missing", seed: {} },
  "a name below a missing directory": { path: "missing/x", seed: {} },
  "a name below a file": { path: "f/x", seed: { f: "file" } },
  "a file with a slash at its end": { path: "f/", seed: { f: "file" } },
  "a file": { path: "f", seed: { f: "file" } },
  "a directory": { path: "d", seed: { d: directory(), "d/f": "file" } },
  "an empty directory with a slash": { path: "e/", seed: { e: directory() } },
  "a link to a file": { path: "l", seed: { f: "file", l: symlink("f") } },
  "a link to a directory": { path: "l", seed: { e: directory(), l: symlink("e") } },
  "a link to a directory with a slash": { path: "l/", seed: { e: directory(), l: symlink("e") } },
  "a dangling link": { path: "l", seed: { l: symlink("nowhere") } },
  "a dangling link with a slash": { path: "l/", seed: { l: symlink("nowhere") } },
  "a name below a dangling link": { path: "l/x", seed: { l: symlink("nowhere") } },
  "a link in a loop": { path: "l", seed: { l: symlink("m"), m: symlink("l") } },
  "a hard link": { path: "h", seed: { f: "file", h: hardlink("f") } },
};

type Call = (trial: Trial, path: string) => unknown;

/** Every call that takes one path, in its three forms by turns. */
const calls: Readonly<Record<string, Call>> = {
  access: ({ fs }, path) => fs.accessSync(path),
  appendFile: ({ fs }, path) => fs.promises.appendFile(path, "+"),
  chmod: ({ callback }, path) => callback("chmod", path, 0o640),
  chown: ({ fs }, path) => fs.chownSync(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0),
  copyFileFrom: ({ fs, at }, path) => fs.promises.copyFile(path, at("copy")),
  copyFileTo: ({ fs, at }, path) => fs.copyFileSync(at("other"), path),
  createExclusive: ({ fs }, path) => fs.promises.writeFile(path, "x", { flag: "wx" }),
  exists: ({ fs }, path) => fs.existsSync(path),
  lchown: ({ callback }, path) =>
    callback("lchown", path, process.getuid?.() ?? 0, process.getgid?.() ?? 0),
  linkFrom: ({ fs }, path) => fs.linkSync(path, `${path.replace(/\/$/, "")}2`),
  linkTo: ({ fs, at }, path) => fs.promises.link(at("other"), path),
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
  renameFrom: ({ fs }, path) => fs.promises.rename(path, `${path.replace(/\/$/, "")}2`),
  renameFileTo: ({ fs, at }, path) => {
    fs.writeFileSync(at("other"), "other file");
    fs.renameSync(at("other"), path);
  },
  renameDirectoryTo: ({ fs, callback, at }, path) => {
    fs.mkdirSync(at("tree"), { recursive: true });
    return callback("rename", at("tree"), path);
  },
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

const plots = Object.values(targets).map((target, index) => ({ ...target, plot: `plot${index}` }));

/** A plot of its own for each target, so that no call meets what another one did. */
const seed: Seed = Object.fromEntries([
  ["other", "other file"],
  ["tree", directory()],
  ["tree/leaf", "leaf"],
  ...plots.flatMap(({ plot, seed: nodes }) => [
    [plot, directory()],
    ...Object.entries(nodes).map(([name, node]) => [`${plot}/${name}`, within(plot, node)]),
  ]),
]);

function within(plot: string, node: SeedNode): SeedNode {
  const isHardlink = typeof node === "object" && "kind" in node && node.kind === "hardlink";
  return isHardlink ? hardlink(`${plot}/${node.to}`) : node;
}

/** Each call on each target. */
export const errors: readonly Scenario[] = Object.entries(calls).map(([call, run]) =>
  scenario(
    `${call} of every kind of target`,
    async (trial) => {
      for (const { plot, path } of plots) await run(trial, trial.at(`${plot}/${path}`));
    },
    { seed },
  ),
);

/** Each call on each target, after the overlay has touched all of them. */
export const errorsAfterChanges: readonly Scenario[] = Object.entries(calls).map(([call, run]) =>
  scenario(
    `${call} of every kind of changed target`,
    async (trial) => {
      const { fs, at } = trial;
      for (const { plot, seed: nodes } of plots) {
        for (const name of Object.keys(nodes)) {
          fs.renameSync(at(`${plot}/${name}`), at(`${plot}/moved`));
          fs.renameSync(at(`${plot}/moved`), at(`${plot}/${name}`));
          fs.lutimesSync(at(`${plot}/${name}`), 77, 88);
        }
      }
      for (const { plot, path } of plots) await run(trial, trial.at(`${plot}/${path}`));
    },
    { seed },
  ),
);
