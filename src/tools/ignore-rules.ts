import { globTest } from "../overlay/path/glob-pattern.ts";

interface Rule {
  readonly matches: (path: string) => boolean;
  readonly negated: boolean;
  readonly directoriesOnly: boolean;
}

/** The rules of one `.gitignore`, about paths below the directory that it lies in. */
export class IgnoreRules {
  readonly #rules: readonly Rule[];

  /** @param text of the file, in the syntax of gitignore(5). */
  constructor(text: string) {
    this.#rules = text
      .replace(/^\ufeff/, "")
      .split(/\r?\n/)
      .flatMap(ruleOf);
  }

  /** What the last fitting rule says about a path: ignored, wanted, or nothing. */
  verdict(path: string, isDirectory: boolean): "ignored" | "wanted" | undefined {
    for (const rule of this.#rules.toReversed()) {
      if (rule.directoriesOnly && !isDirectory) continue;
      if (rule.matches(path)) return rule.negated ? "wanted" : "ignored";
    }
    return undefined;
  }
}

function ruleOf(line: string): Rule[] {
  // Blanks only: git takes a tab at the end for a part of the name.
  const trimmed = line.replace(/(?<!\\) +$/, "");
  if (trimmed === "" || trimmed.startsWith("#")) return [];
  const negated = trimmed.startsWith("!");
  const body = negated ? trimmed.slice(1) : trimmed;
  const directoriesOnly = body.endsWith("/");
  const pattern = directoriesOnly ? body.slice(0, -1) : body;
  if (pattern === "" || pattern === "/") return [];
  // A slash that is not the last one ties the pattern to this directory.
  const isAnchored = pattern.includes("/");
  // Braces mean nothing in a .gitignore.
  const literal = pattern.replace(/^\//, "").replace(/[{}]/g, "\\$&");
  const matches = globTest(isAnchored ? literal : `**/${literal}`);
  return [{ matches, negated, directoriesOnly }];
}
