/** Whether a relative path fits a pattern. */
export type PathMatcher = (path: string) => boolean;

const bracesMax = 1000;

/**
 * Compiles a glob: `*` and `?` stay within a name, `**` spans directories, `[a-z]` and `[!a-z]`
 * are sets, `{a,b}` alternatives, `\` escapes. Matching is case-sensitive; names that start with a
 * dot are matched like others.
 */
export function compileGlob(pattern: string): PathMatcher {
  const expressions = expandBraces(pattern).map((one) => new RegExp(`^${sourceOf(one)}$`, "su"));
  return (path) => expressions.some((expression) => expression.test(path));
}

/** Writes out `{a,b}`; nested ones too. Unbalanced braces are literal. */
export function expandBraces(pattern: string): string[] {
  const opening = findOpening(pattern);
  if (opening === undefined) return [pattern];
  const { start, end, commas } = opening;
  const edges = [start, ...commas, end];
  const before = pattern.slice(0, start);
  const expanded: string[] = [];
  for (let index = 0; index + 1 < edges.length; index++) {
    const choice = pattern.slice((edges[index] as number) + 1, edges[index + 1]);
    expanded.push(...expandBraces(`${before}${choice}${pattern.slice(end + 1)}`));
    if (expanded.length > bracesMax) return [pattern];
  }
  return expanded;
}

function findOpening(pattern: string) {
  for (let start = 0; start < pattern.length; start++) {
    if (pattern[start] === "\\") start++;
    else if (pattern[start] === "{") {
      const group = findGroup(pattern, start);
      if (group !== undefined) return group;
    }
  }
  return undefined;
}

function findGroup(pattern: string, start: number) {
  const commas: number[] = [];
  let depth = 0;
  for (let index = start; index < pattern.length; index++) {
    const letter = pattern[index];
    if (letter === "\\") index++;
    else if (letter === "{") depth++;
    else if (letter === "," && depth === 1) commas.push(index);
    else if (letter === "}") {
      depth--;
      if (depth === 0) return commas.length === 0 ? undefined : { start, end: index, commas };
    }
  }
  return undefined;
}

function sourceOf(pattern: string): string {
  let source = "";
  for (let index = 0; index < pattern.length; ) {
    const rest = pattern.slice(index);
    const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(rest);
    if (/^\*\*(\/|$)/.test(rest) && (index === 0 || pattern[index - 1] === "/")) {
      const spansDirectories = rest.startsWith("**/");
      source += spansDirectories ? "(?:[^/]+/)*" : ".*";
      index += spansDirectories ? 3 : 2;
    } else if (rest.startsWith("*")) {
      source += "[^/]*";
      index += /^\*+/.exec(rest)?.[0].length ?? 1;
    } else if (rest.startsWith("?")) {
      source += "[^/]";
      index += 1;
    } else if (set !== null) {
      const members = (set[2] ?? "").replace(/[\\[\]^]/g, "\\$&");
      source += set[1] === "" ? `[${members}]` : `[^/${members}]`;
      index += set[0].length;
    } else {
      const escaped = rest.startsWith("\\") && rest.length > 1;
      const letter = String.fromCodePoint(rest.codePointAt(escaped ? 1 : 0) ?? 0);
      source += letter.replace(/[\\^$.*+?()[\]{}|/-]/u, (special) => `\\${special}`);
      index += letter.length + (escaped ? 1 : 0);
    }
  }
  return source;
}
