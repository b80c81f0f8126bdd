import { type Scenario, scenario } from "../harness/scenario.ts";
import type { Fs } from "../harness/seed.ts";

/** `glob` of Node 22 and later, which the types of Node 20 lack. */
interface WithGlob {
  readonly globSync?: (pattern: string, options: { readonly cwd: string }) => string[];
  readonly promises: {
    readonly glob?: (pattern: string, options: { readonly cwd: string }) => AsyncIterable<string>;
  };
}

const globOf = (fs: Fs): WithGlob => fs as unknown as WithGlob;

/** On a Node without glob both worlds have none. */
export const globs: readonly Scenario[] = [
  scenario("glob finds the merged tree", ({ fs, at, note }) => {
    fs.writeFileSync(at("d/n.txt"), "");
    fs.unlinkSync(at("d/x.txt"));
    for (const pattern of ["*.txt", "d/*", "**/*.txt", "d/sub/**", "missing/*"]) {
      const found = globOf(fs).globSync?.(pattern, { cwd: at("") });
      note(pattern, found === undefined ? "none" : [...found].sort());
    }
  }),
  scenario("glob by promise", async ({ fs, raw, at, note }) => {
    fs.mkdirSync(at("n/m"), { recursive: true });
    fs.writeFileSync(at("n/m/f.md"), "");
    const found: string[] = [];
    const { glob } = globOf(raw).promises;
    if (glob) for await (const path of glob("**/*.md", { cwd: at("") })) found.push(path);
    note("found", glob ? found.sort() : "none");
  }),
];
