import { posix } from "node:path";

/** How files of one language name the files that they need. */
export interface DependencyLanguage {
  /** What a text names, as it is written there. */
  references(text: string): Iterable<string>;
  /**
   * Absolute paths that a reference in a file of `directory` may mean, as they are or with the
   * extension and the name of an index left out, as by {@link shortNamesOf}.
   */
  paths(directory: string, reference: string): readonly string[];
  /** Extensions that may be left out. */
  readonly extensions: ReadonlySet<string>;
}

const scriptExtensions = setOf(".ts .tsx .js .jsx .mts .cts .mjs .cjs .json");
const pythonExtensions = setOf(".py");
const styleExtensions = setOf(".scss .sass .less .css");
/** Relative names alone, which are few: a quote, a dot, and all up to the next quote. */
const relativeName = /(\.[^"'\n]*)["']/y;
/** What stands before one tells whether it is an import. */
const importBefore = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*$/;
const importBeforeLength = 16;

const script: DependencyLanguage = {
  references(text) {
    const names: string[] = [];
    // To look for two characters takes a tenth of what an expression takes that begins with either.
    for (const start of ['".', "'."]) {
      for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 2)) {
        const before = text.slice(Math.max(0, at - importBeforeLength), at);
        if (!importBefore.test(before)) continue;
        relativeName.lastIndex = at + 1;
        const name = relativeName.exec(text)?.[1];
        if (name !== undefined) names.push(name);
      }
    }
    return names;
  },
  paths(directory, reference) {
    const whole = joined(directory, reference);
    // TypeScript is imported by the name of what it compiles to.
    const ending = /\.[cm]?jsx?$/.exec(whole);
    return ending === null ? [whole] : [whole, whole.slice(0, ending.index)];
  },
  extensions: scriptExtensions,
};

const pythonImport = /^[ \t]*(?:from\s+([.\w]+)\s+import\s+\(?([\w, \t]*)|import\s+([.\w]+))/gm;

const python: DependencyLanguage = {
  *references(text) {
    for (const [, from, names = "", module] of text.matchAll(pythonImport)) {
      if (module !== undefined) yield module;
      if (from === undefined) continue;
      yield from;
      // What is imported from a package may be a module of it.
      const inside = from.endsWith(".") ? from : `${from}.`;
      for (const name of names.match(/\w+/g) ?? []) yield inside + name;
    }
  },
  paths(directory, reference) {
    const dots = /^\.*/.exec(reference)?.[0].length ?? 0;
    const up = dots > 1 ? "../".repeat(dots - 1) : "";
    return [posix.join(directory, up, reference.slice(dots).replaceAll(".", "/"))];
  },
  extensions: pythonExtensions,
};

const include: DependencyLanguage = {
  references: (text) => firstGroups(text, /^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"/gm),
  paths: (directory, reference) => [posix.join(directory, reference)],
  extensions: new Set(),
};

/** A rule up to its end; indented Sass has neither semicolons nor, for `@import`, quotes. */
const styleRule = /@(?:import|use|forward|plugin)\b([^;\n{}]*)/g;
const loadedStyle = /\bmeta\.load-css\(\s*["']([^"'\n]+)["']/g;
/** Quoted names, and unquoted ones of `url()`. */
const styleName = /["']([^"'\n]+)["']|\burl\(\s*([^"')\s]+)/g;

const style: DependencyLanguage = {
  *references(text) {
    for (const [, rule = ""] of text.matchAll(styleRule)) {
      let found = false;
      // Variables that a module is configured with are no names of files.
      for (const match of (rule.split(/\bwith\s*\(/)[0] ?? "").matchAll(styleName)) {
        found = true;
        yield match[1] ?? match[2] ?? "";
      }
      if (found) continue;
      for (const name of rule.split(",")) if (name.trim() !== "") yield name.trim();
    }
    yield* firstGroups(text, loadedStyle);
  },
  paths(directory, reference) {
    const whole = posix.join(directory, reference);
    // Sass finds a partial, whose name begins with `_`, by the rest of it.
    return [whole, posix.join(posix.dirname(whole), `_${posix.basename(whole)}`)];
  },
  extensions: styleExtensions,
};

const shell: DependencyLanguage = {
  references: (text) => firstGroups(text, /^[ \t]*(?:source|\.)[ \t]+["']?([^"'\s;]+)/gm),
  paths: (directory, reference) => [posix.join(directory, reference)],
  extensions: new Set(),
};

/** What `posix.join` gives, which takes several times as long for the usual `./x` and `../x`. */
function joined(directory: string, reference: string): string {
  let [above, rest] = [directory, reference];
  while (rest.startsWith("../") && above !== "/") {
    above = posix.dirname(above);
    rest = rest.slice(3);
  }
  if (rest.startsWith("./")) rest = rest.slice(2);
  const isPlain = above !== "/" && rest !== "" && !/^[./]|\/[./]|\/$/.test(rest);
  return isPlain ? `${above}/${rest}` : posix.join(above, rest);
}

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(" "));
}

function* firstGroups(text: string, pattern: RegExp): Generator<string> {
  for (const match of text.matchAll(pattern)) yield match[1] ?? "";
}

const languages: Readonly<Record<string, DependencyLanguage>> = Object.fromEntries(
  [
    [script, ".ts .tsx .js .jsx .mts .cts .mjs .cjs .vue .svelte"],
    [python, ".py .pyi"],
    [include, ".c .h .cc .cpp .cxx .hh .hpp .m .mm"],
    [style, ".css .scss .sass .less"],
    [shell, ".sh .bash .zsh"],
  ].flatMap(([language, names]) =>
    String(names)
      .split(" ")
      .map((name) => [name, language as DependencyLanguage]),
  ),
);

/** The language of files with an extension, `undefined` when it names no other files. */
export function dependencyLanguageOf(extension: string): DependencyLanguage | undefined {
  return languages[extension.toLowerCase()];
}

/**
 * A path without its extension, and for the index of a directory that directory; none for files
 * whose extension nobody leaves out.
 */
export function shortNamesOf(path: string): string[] {
  const extension = posix.extname(path);
  const stem = path.slice(0, path.length - extension.length);
  const name = stem.slice(stem.lastIndexOf("/") + 1);
  const isScript = scriptExtensions.has(extension);
  const isStyle = styleExtensions.has(extension);
  const isPython = pythonExtensions.has(extension);
  if (!isScript && !isStyle && !isPython) return [];
  const isIndex =
    name === "index" ? isScript || isStyle : isStyle ? name === "_index" : name === "__init__";
  return isIndex ? [stem, posix.dirname(path)] : [stem];
}
