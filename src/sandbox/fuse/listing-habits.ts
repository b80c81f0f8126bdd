/** What a thread has done with the directories that it listed. */
interface Habit {
  /** Names that it was told without attributes. */
  names: number;
  /** How many of them were looked up afterwards. */
  lookups: number;
}

/** Threads that are remembered, and directories that one of them has listed. */
const rememberedMax = 1024;

/**
 * What looking a name up by a request of its own costs, in attributes told along with a directory:
 * some 40 to 60 µs against 8, on two cores of an EPYC.
 */
const lookupCost = 5;

/**
 * Tells who wants attributes with the names of a directory. The kernel asks for them with the first
 * names of every one, as it cannot know; but `find` looks at none of them, and they are most of
 * what a listing costs. (An entry without them is nothing special to the kernel: see
 * fuse_direntplus_link in Linux.)
 */
export class ListingHabits {
  readonly #habits = new Map<number, Habit>();
  /** Who has listed a directory without attributes, by its node. */
  readonly #listers = new Map<bigint, Habit>();

  /**
   * Whether a thread is to be told attributes. Of the first directory it is: that may be the only
   * one, and what comes of it can only be seen without.
   *
   * @param names how many there are.
   */
  wantsAttributes(thread: number, directory: bigint, names: number): boolean {
    const habit = this.#habits.get(thread);
    if (habit === undefined) {
      remember(this.#habits, thread, { names: 0, lookups: 0 });
      this.#listers.delete(directory);
      return true;
    }
    if (habit.lookups * lookupCost > habit.names) return true;
    habit.names += names;
    remember(this.#listers, directory, habit);
    return false;
  }

  /** A name of a directory was looked up that is no directory: those have to be, to go on. */
  noteLookup(directory: bigint): void {
    const habit = this.#listers.get(directory);
    if (habit !== undefined) habit.lookups += 1;
  }
}

function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= rememberedMax) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
