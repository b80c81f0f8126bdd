import { type Scenario, scenario } from "../harness/scenario.ts";
import type { Fs } from "../harness/seed.ts";

interface GlobOptions {
  readonly cwd?: string;
  readonly exclude?: unknown;
  readonly followSymlinks?: unknown;
  readonly withFileTypes?: boolean;
}

/** `glob` of Node 22 and later, which the types of Node 20 lack. */
interface WithGlob {
  readonly globSync?: (pattern: unknown, options?: unknown) => unknown[];
  readonly promises: {
    readonly glob?: (pattern: string, options: GlobOptions) => AsyncIterable<string>;
  };
}

const globOf = (fs: Fs): WithGlob => fs as unknown as WithGlob;

const patterns = [
  ...["*", "**", "*.txt", "d/*", "d/**", "**/*.txt", "d/sub/**", "missing/*", "./*.txt", "*/"],
  ...["d/../*.txt", "d//sub//", "**/leaf", "{a,b}.*", "!(a)*.txt", "[!a]*.txt", ".", "", "**/."],
  ...["dlink/*", "dlink/**", "**/dlink/*", "link", "link/**", "dangling", "d/{sub,back}/*", "*/*"],
  ...["a.txt/**", "a.txt/.", "a.txt/./**", "d/sub/./**", "*.txt/**", "a.txt/"],
];

/** On a Node without glob both worlds have none. */
export const globs: readonly Scenario[] = [
  scenario("glob finds the merged tree", ({ fs, raw, at, note }) => {
    fs.writeFileSync(at("d/n.txt"), "");
    fs.unlinkSync(at("d/x.txt"));
    for (const pattern of patterns) {
      const found = globOf(raw).globSync?.(pattern, { cwd: at("") });
      note(pattern, found?.map(String).sort() ?? "none");
    }
    globOf(fs).globSync?.(["*.txt", "a*"], { cwd: at("") });
    for (const pattern of ["*", "d/**/*.txt"]) globOf(fs).globSync?.(at(pattern));
  }),
  scenario("glob by promise", async ({ fs, raw, at, note }) => {
    fs.mkdirSync(at("n/m"), { recursive: true });
    fs.writeFileSync(at("n/m/f.md"), "");
    const found: string[] = [];
    const { glob } = globOf(raw).promises;
    if (glob) for await (const path of glob("**/*.md", { cwd: at("") })) found.push(path);
    note("found", glob ? found.sort() : "none");
  }),
  scenario("glob leaves out what it is told to", ({ raw, at, note }) => {
    const excludes = [["d/**"], ["d"], ["**/sub"], ["*.txt", "./e/"], ["**/deeper/**"], ["**"], []];
    for (const exclude of excludes) {
      for (const pattern of patterns) {
        const found = globOf(raw).globSync?.(pattern, { cwd: at(""), exclude });
        note(`${pattern} without ${exclude}`, found?.map(String).sort() ?? "none");
      }
    }
  }),
  scenario("glob asks a function what to leave out", ({ raw, at, note }) => {
    const functions = [
      (name: string) => name === "sub",
      (name: string) => name.startsWith("d/"),
      (name: string) => name.endsWith(".txt"),
      () => true,
    ];
    for (const [index, exclude] of functions.entries()) {
      for (const pattern of patterns) {
        const found = globOf(raw).globSync?.(pattern, { cwd: at(""), exclude });
        note(`${pattern} without ${index}`, found?.map(String).sort() ?? "none");
      }
    }
  }),
  scenario("glob with file types, and through links", ({ fs, raw, at, note }) => {
    fs.symlinkSync("..", at("d/sub/up"));
    for (const pattern of ["*", "d/**", "**/*.txt", "dlink/**", "**/"]) {
      for (const options of [{ withFileTypes: true }, { followSymlinks: true }]) {
        const found = globOf(raw).globSync?.(pattern, { cwd: at(""), ...options }) ?? ["none"];
        note(pattern, found.map(shownOf).sort());
      }
    }
  }),
  scenario("glob says what is wrong with its arguments", ({ fs, at }) => {
    const { globSync } = globOf(fs);
    for (const pattern of [1, [1], ["x", null], undefined]) globSync?.(pattern);
    const wrong = [{ exclude: 1 }, { exclude: ["x", 1] }, { followSymlinks: "yes" }, { cwd: 1 }];
    for (const options of wrong) globSync?.("*.txt", { cwd: at(""), ...options });
    globSync?.("*.txt", "x");
    globSync?.("*.txt", null);
  }),
];

/** A result as text; where the root lies is not for it to tell. */
function shownOf(found: unknown): string {
  if (typeof found === "string") return found;
  const { name, isDirectory } = found as { name: string; isDirectory: () => boolean };
  return `${/^(low|root|real)/.test(name) ? "." : name} ${isDirectory.call(found)}`;
}
