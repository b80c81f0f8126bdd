import type { TreePath } from "../disk/tree-path.ts";

/**
 * A test for paths against patterns in the manner of a shell:
 *
 *   `*` and `?`    any characters, or one, but no slash
 *   `**`           any number of directories
 *   `[a-z]`, `[!x]` one character of a set
 *   `{one,two}`    alternatives
 *   `\*`           the character itself
 *
 * A pattern without a slash matches a name anywhere; one with a slash the whole path from the root.
 * What matches a directory matches all that is in it.
 */
export function globMatcher(patterns: readonly string[]): (path: TreePath) => boolean {
  const expressions = patterns.map(expressionOf);
  return (path) => expressions.some((expression) => expression.test(path));
}

function expressionOf(pattern: string): RegExp {
  const trimmed = pattern.replace(/^\.?\//, "").replace(/\/+$/, "");
  const isAnchored = trimmed.includes("/") || pattern.startsWith("/") || pattern.startsWith("./");
  const start = isAnchored ? "^" : "^(?:.*/)?";
  return new RegExp(`${start}${translate(trimmed)}(?:/.*)?$`, "su");
}

function translate(pattern: string): string {
  let source = "";
  let depth = 0;
  for (let index = 0; index < pattern.length; ) {
    const rest = pattern.slice(index);
    const [token = "", replacement = ""] = tokenOf(rest, depth);
    if (token === "{") depth += 1;
    if (token === "}" && depth > 0) depth -= 1;
    source += replacement;
    index += token.length;
  }
  return source + ")".repeat(depth);
}

function tokenOf(rest: string, depth: number): readonly [token: string, replacement: string] {
  if (rest.startsWith("**/")) return ["**/", "(?:[^/]*/)*"];
  if (rest.startsWith("**")) return ["**", ".*"];
  const set = /^\[(!|\^)?(\]?[^\]/]*)\]/.exec(rest);
  if (set !== null) {
    const members = (set[2] ?? "").replace(/[\\\][]/g, "\\$&");
    return [set[0], `[${set[1] === undefined ? "" : "^/"}${members}]`];
  }
  // One whole character, also where it takes two units.
  const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  switch (character) {
    case "*":
      return ["*", "[^/]*"];
    case "?":
      return ["?", "[^/]"];
    case "{":
      return ["{", "(?:"];
    case "}":
      return depth > 0 ? ["}", ")"] : ["}", "\\}"];
    case ",":
      return depth > 0 ? [",", "|"] : [",", ","];
    case "\\": {
      const next = rest.slice(1, 2);
      return next === "" ? ["\\", "\\\\"] : [`\\${next}`, quoted(next)];
    }
    default:
      return [character, quoted(character)];
  }
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
