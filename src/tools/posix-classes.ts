/** What the names of POSIX stand for, as members of a class of JavaScript. */
const members: ReadonlyMap<string, string> = new Map([
  ["alnum", "0-9A-Za-z"],
  ["alpha", "A-Za-z"],
  ["ascii", "\\x00-\\x7f"],
  ["blank", "\\t "],
  ["cntrl", "\\x00-\\x1f\\x7f"],
  ["digit", "0-9"],
  ["graph", "!-~"],
  ["lower", "a-z"],
  ["print", " -~"],
  ["punct", "!-\\/:-@\\[-`{-~"],
  ["space", "\\t-\\r "],
  ["upper", "A-Z"],
  ["word", "0-9A-Za-z_"],
  ["xdigit", "0-9A-Fa-f"],
]);

/**
 * A regular expression with `[[:alpha:]]` and its like written out: JavaScript would take that for
 * one of `[`, `:`, `a`, `l`, `p`, `h` before a `]`.
 */
export function withoutPosixClasses(source: string): string {
  let isInClass = false;
  return source.replace(/\\[\s\S]|\[:([a-z]+):\]|[[\]]/g, (token: string, name?: string) => {
    if (name !== undefined) return (isInClass ? members.get(name) : undefined) ?? token;
    if (token === "[") isInClass = true;
    if (token === "]") isInClass = false;
    return token;
  });
}
