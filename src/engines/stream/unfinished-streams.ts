const unfinished = new WeakMap<object, Set<string>>();

/**
 * The absolute paths at which streams over a file system have written a part of their content so
 * far. A commit leaves them out: nobody has asked for half a file, under a name that nobody chose.
 */
export function unfinishedIn(fs: object): Set<string> {
  const known = unfinished.get(fs) ?? new Set<string>();
  unfinished.set(fs, known);
  return known;
}

/** Makes streams over `view`, a view of another file system, known as streams over that one. */
export function shareUnfinished(view: object, fs: object): void {
  unfinished.set(view, unfinishedIn(fs));
}
