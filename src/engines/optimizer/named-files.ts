/** Operations that are alike: in one directory, on files of one type. */
export interface Likeness {
  readonly operations: number;
}

/** What was named in one directory. */
class NamedDirectory {
  readonly names = new Set<string>();
  readonly types = new Map<string, { operations: number }>();
}

/**
 * Files that operations name, each once, by paths relative to the root. Those in one directory
 * nearly always come one by one, so that little is done for each but to take down its name.
 */
export class NamedFiles {
  readonly #directories = new Map<string, NamedDirectory>();
  #path = "";
  #directory: NamedDirectory | undefined;

  /**
   * Takes a file down; `undefined` when it was named before.
   *
   * @returns how many there are of its type in its directory, which grows with what comes later.
   */
  add(path: string): Likeness | undefined {
    const end = Math.max(0, path.lastIndexOf("/"));
    const { names, types } = this.#directoryOf(path, end);
    const name = end === 0 ? path : path.slice(end + 1);
    const before = names.size;
    if (names.add(name).size === before) return undefined;
    const type = extensionOf(name);
    const known = types.get(type);
    if (known !== undefined) {
      known.operations += 1;
      return known;
    }
    const first = { operations: 1 };
    types.set(type, first);
    return first;
  }

  /** Whether one of the files lies where another one needs a directory. */
  get isAnyInside(): boolean {
    const seen = new Set<string>();
    for (const directory of this.#directories.keys()) {
      // What lies above a directory that was seen was seen with it.
      for (let above = directory; above !== "" && !seen.has(above); ) {
        seen.add(above);
        const end = Math.max(0, above.lastIndexOf("/"));
        const parent = above.slice(0, end);
        const name = end === 0 ? above : above.slice(end + 1);
        if (this.#directories.get(parent)?.names.has(name) === true) return true;
        above = parent;
      }
    }
    return false;
  }

  #directoryOf(path: string, end: number): NamedDirectory {
    if (this.#directory !== undefined && end === this.#path.length) {
      if (path.startsWith(this.#path)) return this.#directory;
    }
    const parent = path.slice(0, end);
    const directory = this.#directories.get(parent) ?? new NamedDirectory();
    this.#directories.set(parent, directory);
    this.#path = parent;
    this.#directory = directory;
    return directory;
  }
}

/** The last dot of a name and what comes after; none of a name that begins with it. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot) : "";
}
