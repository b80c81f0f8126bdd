import { closeSync, readFileSync, readSync } from "node:fs";
import { decodeName } from "../../disk/names.ts";
import { nativeCalls } from "../../disk/native/native-calls.ts";

/** What inotify(7) can be asked for: everything by which a node can come to be another one. */
export const nameEvents = {
  modify: 0x2,
  attributes: 0x4,
  open: 0x20,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
} as const;

/** Events were lost. */
const overflowed = 0x4000;
/** A watch is over: its directory is gone. */
const ignored = 0x8000;

/**
 * Directories that one process watches at most, and the part of the watches that the kernel gives
 * to one user: others need theirs too. What is in further ones is looked at every time.
 */
const watchesMax = 8192;
const watchesPart = 1 / 8;

/** What a look at one node costs, in microseconds: saved where it need not be looked at. */
const lookUs = 5;

/** Bytes of `struct inotify_event` before the name. */
const eventBytes = 16;
const bufferBytes = 64 * 1024;

/**
 * Tells which names in directories were touched. It needs native calls, since Node's own watcher
 * does not tell when the kernel had to drop events, and is told nothing while a process waits.
 */
export class NameWatch<Key> {
  readonly #mask: number;
  readonly #onEnd: (key: Key) => void;
  /** Of the queue; -1 where there is none to be had. */
  #queue: number | undefined;
  #watchesMax = 0;
  readonly #keys = new Map<number, Key>();
  #touched = new Map<Key, Set<string>>();
  #isIncomplete = false;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);

  /**
   * @param events of which the watch is to tell.
   * @param onEnd is told when a directory is not watched any more.
   */
  constructor(events: readonly (keyof typeof nameEvents)[], onEnd: (key: Key) => void) {
    this.#mask = events.reduce((mask, event) => mask | nameEvents[event], 0);
    this.#onEnd = onEnd;
  }

  /**
   * Watches a directory from now on, where that is possible.
   *
   * @param names how many there are that need not be looked at then.
   * @returns whether it is watched.
   */
  add(place: () => string, key: Key, names: number): boolean {
    const inotify = nativeCalls(lookUs * names)?.inotify;
    if (inotify === undefined) return false;
    if (this.#queue === undefined) {
      this.#queue = inotify.open();
      this.#watchesMax = Math.min(watchesMax, watchesOfUser() * watchesPart);
    }
    if (this.#queue < 0 || this.#keys.size >= this.#watchesMax) return false;
    const watch = inotify.add(this.#queue, place(), this.#mask);
    // Such as the bound on watches; or a directory that was made unreadable.
    if (watch < 0) return false;
    const before = this.#keys.get(watch);
    if (before !== undefined) this.#onEnd(before);
    this.#keys.set(watch, key);
    return true;
  }

  /** Takes what the kernel has to tell, before its queue runs over. */
  drain(): void {
    if (this.#queue === undefined || this.#queue < 0) return;
    for (;;) {
      const length = this.#read(this.#queue);
      if (length === 0) return;
      for (let at = 0; at < length; ) {
        const nameBytes = this.#buffer.readUInt32LE(at + 12);
        this.#note(at, nameBytes);
        at += eventBytes + nameBytes;
      }
    }
  }

  /** What was touched since the last time, by directory; `undefined` when that is not known. */
  take(): ReadonlyMap<Key, ReadonlySet<string>> | undefined {
    this.drain();
    const touched = this.#isIncomplete ? undefined : this.#touched;
    this.#touched = new Map();
    this.#isIncomplete = false;
    return touched;
  }

  close(): void {
    if (this.#queue !== undefined && this.#queue >= 0) closeSync(this.#queue);
    this.#queue = -1;
  }

  #read(queue: number): number {
    try {
      return readSync(queue, this.#buffer);
    } catch (error) {
      // EAGAIN: the queue is empty.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") this.#isIncomplete = true;
      return 0;
    }
  }

  #note(at: number, nameBytes: number): void {
    const watch = this.#buffer.readInt32LE(at);
    const mask = this.#buffer.readUInt32LE(at + 4);
    if (mask & overflowed) this.#isIncomplete = true;
    const key = this.#keys.get(watch);
    if (key === undefined) return;
    if (mask & ignored) {
      this.#keys.delete(watch);
      this.#onEnd(key);
    }
    const start = at + eventBytes;
    const end = this.#buffer.indexOf(0, start);
    if (nameBytes === 0 || end <= start) return;
    const names = this.#touched.get(key) ?? new Set<string>();
    // A copy: what is not UTF-8 is taken apart byte by byte.
    names.add(decodeName(Buffer.from(this.#buffer.subarray(start, end))));
    this.#touched.set(key, names);
  }
}

function watchesOfUser(): number {
  try {
    return Number(readFileSync("/proc/sys/fs/inotify/max_user_watches", "latin1"));
  } catch {
    return 0;
  }
}
