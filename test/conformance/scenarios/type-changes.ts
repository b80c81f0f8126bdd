import { type Scenario, scenario } from "../harness/scenario.ts";
import type { Fs } from "../harness/seed.ts";

type Maker = (fs: Fs, path: string, root: string) => void;

const makers: Readonly<Record<string, Maker>> = {
  file: (fs, path) => fs.writeFileSync(path, "now a file"),
  directory: (fs, path) => {
    fs.mkdirSync(path);
    fs.writeFileSync(`${path}/inner`, "inner");
  },
  "link to a file": (fs, path, root) => fs.symlinkSync(`${root}/b.txt`, path),
  "link to a directory": (fs, path, root) => fs.symlinkSync(`${root}/e`, path),
  "dangling link": (fs, path) => fs.symlinkSync("not/there", path),
  "hard link": (fs, path, root) => fs.linkSync(`${root}/b.txt`, path),
};

const targets: Readonly<Record<string, string>> = {
  file: "a.txt",
  directory: "d",
  "empty directory": "e",
  link: "link",
  "link to a directory": "dlink",
  "dangling link": "dangling",
  "hard link": "h1",
};

/** Every kind of node replaced by every other, by removal and by rename, and then used. */
export const typeChanges: readonly Scenario[] = Object.entries(targets).flatMap(([before, name]) =>
  Object.entries(makers).flatMap(([after, make]) => [
    scenario(`a lower ${before} removed, then a ${after} in its place`, ({ fs, at }) => {
      fs.rmSync(at(name), { recursive: true });
      make(fs, at(name), at(""));
      use(fs, at(name));
      fs.readdirSync(at(""), { withFileTypes: true });
    }),
    scenario(`a new ${after} renamed over a lower ${before}`, ({ fs, at }) => {
      make(fs, at("fresh"), at(""));
      fs.renameSync(at("fresh"), at(name));
      use(fs, at(name));
      fs.existsSync(at("fresh"));
      fs.rmSync(at(name), { recursive: true });
      fs.lstatSync(at(name));
    }),
  ]),
);

/** Looks at a path in every way, so that a wrong kind shows. */
function use(fs: Fs, path: string): void {
  fs.lstatSync(path);
  fs.statSync(path);
  fs.readFileSync(path);
  fs.readdirSync(path);
  fs.readlinkSync(path);
  fs.writeFileSync(`${path}/below`, "below");
  fs.appendFileSync(path, "+");
  fs.chmodSync(path, 0o700);
}
