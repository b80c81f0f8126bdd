import { closeSync, readFileSync, readSync } from "node:fs";
import { decodeName } from "../disk/names.ts";
import { nativeCalls } from "../disk/native-calls.ts";
import type { TreePath } from "../disk/tree-path.ts";
import type { MirrorNode } from "./mirror.ts";
import type { PinnedTree } from "./pinned-tree.ts";

/** What inotify(7) is asked for: everything by which a node can come to be another one. */
const wanted = {
  modify: 0x2,
  attributes: 0x4,
  movedFrom: 0x40,
  movedTo: 0x80,
  // Writing by a memory map is told by nothing but the opening that comes before.
  open: 0x20,
  create: 0x100,
  delete: 0x200,
} as const;
const wantedMask = Object.values(wanted).reduce((mask, bit) => mask | bit, 0);

/** Events were lost. */
const overflowed = 0x4000;
/** A watch is over: its directory is gone. */
const ignored = 0x8000;

/**
 * Directories that one view watches at most, and the part of the watches that the kernel gives to
 * one user: others need theirs too. What is in further ones is looked at every time.
 */
const watchesMax = 8192;
const watchesPart = 1 / 8;

/** What a look at one node costs, in microseconds, which every harvest saves that need not look. */
const lookUs = 5;

/** Bytes of `struct inotify_event` before the name. */
const eventBytes = 16;
const bufferBytes = 64 * 1024;

/** The names that were touched in each watched directory. */
export type Touched = ReadonlyMap<MirrorNode, ReadonlySet<string>>;

/**
 * Knows which names in the directories of a view were touched since the last look, so that a
 * harvest need not look at all others. It needs native calls, since Node's own watcher does not
 * tell when the kernel had to drop events.
 *
 * It is right as long as nothing that could have a file open or mapped lived at the last look.
 */
export class ViewWatch {
  readonly #view: PinnedTree;
  /** Of the queue; -1 where there is none to be had. */
  #queue: number | undefined;
  #watchesMax = 0;
  readonly #nodes = new Map<number, MirrorNode>();
  #touched = new Map<MirrorNode, Set<string>>();
  #isIncomplete = false;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);

  constructor(view: PinnedTree) {
    this.#view = view;
  }

  /** Watches a directory from now on, where that is possible; the node says whether it is. */
  watch(path: TreePath, node: MirrorNode): void {
    if (node.isWatched) return;
    const inotify = nativeCalls(lookUs * node.children.size)?.inotify;
    if (inotify === undefined) return;
    if (this.#queue === undefined) {
      this.#queue = inotify.open();
      this.#watchesMax = Math.min(watchesMax, watchesOfUser() * watchesPart);
    }
    if (this.#queue < 0 || this.#nodes.size >= this.#watchesMax) return;
    const watch = inotify.add(this.#queue, this.#view.placeOf(path), wantedMask);
    // Such as the bound on watches; or a command has made it unreadable.
    if (watch < 0) return;
    const before = this.#nodes.get(watch);
    if (before !== undefined) before.watchedIno = undefined;
    node.watchedIno = node.ino;
    this.#nodes.set(watch, node);
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

  /** What was touched since the last time; `undefined` when that is not known. */
  take(): Touched | undefined {
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
    const node = this.#nodes.get(watch);
    if (node === undefined) return;
    if (mask & ignored) {
      this.#nodes.delete(watch);
      node.watchedIno = undefined;
    }
    const start = at + eventBytes;
    const end = this.#buffer.indexOf(0, start);
    if (nameBytes === 0 || end <= start) return;
    const names = this.#touched.get(node) ?? new Set<string>();
    // A copy: what is not UTF-8 is taken apart byte by byte.
    names.add(decodeName(Buffer.from(this.#buffer.subarray(start, end))));
    this.#touched.set(node, names);
  }
}

function watchesOfUser(): number {
  try {
    return Number(readFileSync("/proc/sys/fs/inotify/max_user_watches", "latin1"));
  } catch {
    return 0;
  }
}
