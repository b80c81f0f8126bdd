import fs from "node:fs";

/** A path at which every call fails after its arguments were checked, without an effect. */
const nowhere = "/dev/null/nowhere";

/** A file that nobody may remove, root neither: procfs has no call for it. */
const irremovable = "/proc/self/status";

/**
 * In what the releases of Node differ. Where a harmless question tells, Node is asked, once;
 * otherwise its version decides, and the comment names the change.
 */
export const nodeHabits = {
  /** `statSync` with `throwIfNoEntry: false` also hides that a path leads through a file. */
  get statSilencesNotDirectory(): boolean {
    return once("statSilencesNotDirectory", () =>
      succeeds(() => fs.statSync(nowhere, { throwIfNoEntry: false })),
    );
  },
  /** The same of `lstatSync`. */
  get lstatSilencesNotDirectory(): boolean {
    return once("lstatSilencesNotDirectory", () =>
      succeeds(() => fs.lstatSync(nowhere, { throwIfNoEntry: false })),
    );
  },
  /** The callback and promise forms of `stat` know `throwIfNoEntry` too (nodejs/node#61178). */
  statLaterKnowsNoEntry: isSince([24, 15, 25], [25, 7]),
  /** `read` of a handle looks at its position; what is none was the descriptor's own before. */
  handleChecksPosition: isSince([21, 0]),
  /** `readableWebStream` of a handle always gives a stream of bytes (nodejs/node#55461). */
  webStreamIsOfBytes: isSince([22, 15, 23], [23, 8]),
  /** Such a stream closes the handle at its end when asked to (nodejs/node#58548). */
  webStreamCloses: isSince([22, 17, 23], [24, 2]),
  /** `watch` knows `ignore` (nodejs/node#61433). */
  get watchIgnores(): boolean {
    return once("watchIgnores", () =>
      asked(
        () => fs.watch(nowhere, { ignore: 1 } as object).close(),
        (error) => error.code === "ERR_INVALID_ARG_TYPE",
      ),
    );
  },
  /** `watch` knows `throwIfNoEntry` (nodejs/node#61870). */
  get watchSilencesNoEntry(): boolean {
    return once("watchSilencesNoEntry", () =>
      succeeds(() => fs.watch("/proc/self/nowhere", { throwIfNoEntry: false } as object).close()),
    );
  },
  /** `glob` knows `followSymlinks`. */
  get globFollowsLinks(): boolean {
    return once("globFollowsLinks", () => {
      const { globSync } = fs as unknown as { globSync?: (...input: unknown[]) => unknown };
      return asked(
        () => globSync?.("x", { cwd: nowhere, followSymlinks: 1 }),
        (error) => error.code === "ERR_INVALID_ARG_TYPE",
      );
    });
  },
  /** The errors of `opendirSync` name the path. */
  get opendirNamesPath(): boolean {
    return once("opendirNamesPath", () =>
      asked(
        () => fs.opendirSync(nowhere).closeSync(),
        (error) => error.path !== undefined,
      ),
    );
  },
  /**
   * `readdirSync` and the callback form, `recursive` with file types, enter links to directories,
   * as they always did without file types (nodejs/node#55714).
   */
  listsTypesThroughLinks: isSince([22, 13, 23], [23, 4]),
  /** The same of `promises.readdir`. */
  promiseListsTypesThroughLinks: isSince([26, 9]),
  /** `promises.readdir` lists what lies below the last directory first, as no other form does. */
  promiseListsDepthFirst: !isSince([26, 9]),
  /** `readFile` of a directory, but its synchronous form, names the path in its error. */
  readLaterNamesPath: isSince([26, 8]),
  /** `cp` with `preserveTimestamps` keeps the times of directories too. */
  copyKeepsDirectoryTimes: isSince([26, 9]),
  /** `openAsBlob` of what is missing fails as `stat` does. */
  blobNamesCause: "openAsBlobSync" in fs,
  /** `copyFile` gives the target times and owner of the source before it writes (libuv 1.49). */
  copyFileSetsAttributes: isReached(process.versions["uv"] ?? "", [1, 49]),
  /** A time that is no number is left as it is, an infinite one is the present (libuv 1.51). */
  omitsTimes: isReached(process.versions["uv"] ?? "", [1, 51]),
  /** Times are set to the microsecond, not to what a number has (libuv 1.52, libuv#4951). */
  cutsTimesToMicroseconds: !isReached(process.versions["uv"] ?? "", [1, 52]),
  /** `cpSync` checks its paths in C++, whose refusals are plain errors of other words. */
  get copySyncRefusesPlainly(): boolean {
    return once("copySyncRefusesPlainly", () =>
      asked(
        // The two are the same, which is refused first; a directory without `recursive` is, too.
        () => fs.cpSync("/", "/"),
        (error) => error.errno === undefined,
      ),
    );
  },
  /** `cp` replaces a link to a file by one that leads to the same (nodejs/node#58468). */
  copyReplacesEqualLinks: isSince([24, 2]),
  /** `rmSync` works in C++: what is missing is found out otherwise, and errors are of its own. */
  get removeSyncIsNative(): boolean {
    return once("removeSyncIsNative", () =>
      succeeds(() => fs.rmSync(nowhere, { recursive: true, force: true })),
    );
  },
  /** Such errors tell the path twice. */
  get removeSyncNamesPathTwice(): boolean {
    return once("removeSyncNamesPathTwice", () =>
      asked(
        () => fs.rmSync(irremovable),
        (error) => error.message.split(irremovable).length > 2,
      ),
    );
  },
};

type Version = readonly number[];

/** Whether this is one of these versions or later, up to a major version in the third place. */
function isSince(...versions: readonly Version[]): boolean {
  return versions.some(([major = 0, minor = 0, before]) => {
    const isLater = isReached(process.versions.node, [major, minor]);
    return isLater && (before === undefined || !isReached(process.versions.node, [before]));
  });
}

function isReached(version: string, wanted: Version): boolean {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  const index = wanted.findIndex((part, at) => (parts[at] ?? 0) !== part);
  return index < 0 || (parts[index] ?? 0) > (wanted[index] ?? 0);
}

function succeeds(ask: () => unknown): boolean {
  return !asked(ask, () => true);
}

/** What `judge` says of the error that `ask` throws; `false` when it throws none. */
function asked(ask: () => unknown, judge: (error: NodeJS.ErrnoException) => boolean): boolean {
  try {
    ask();
    return false;
  } catch (error) {
    return judge(error as NodeJS.ErrnoException);
  }
}

const answers = new Map<string, boolean>();

function once(question: string, ask: () => boolean): boolean {
  const known = answers.get(question);
  if (known !== undefined) return known;
  const answer = ask();
  answers.set(question, answer);
  return answer;
}
