import { encodePath } from "../../disk/names.ts";
import { childOf } from "../../disk/tree-path.ts";
import { NameWatch } from "../harvest/name-watch.ts";
import type { FuseBackend, LowerDirectory } from "./backend.ts";
import type { FuseNode, NodeTable } from "./node-table.ts";
import {
  type Attributes,
  directoryType,
  encodeEntryInvalidation,
  encodeInvalidation,
} from "./protocol.ts";

/** Two ticks of a clock of 100 Hz: a file system may stamp two changes with the same one. */
const clockTicksNs = 20_000_000n;

/** Of no change: whatever is found next is another one. */
const unsettled = -1n;

/**
 * Shortest time between two looks at one directory, in milliseconds. The kernel asks once a second,
 * but after every change that it makes in it, too.
 */
const lookMs = 900;

/** Shortest time between two questions whether anything was touched at all, in milliseconds. */
const drainMs = 20;

/** Names of one directory whose absence the kernel may keep, at most. */
const absentMax = 16_384;

/** What is known of the lower directory that shows through in one that the kernel knows. */
interface Known {
  readonly absent: Set<string>;
  lookedMs: number;
  /** Of the directory, when everything that is known in it was right. */
  sign: string | undefined;
  watchedIno: bigint | undefined;
}

/**
 * Notices what others have changed on the disk below a FUSE mount, and makes the kernel forget what
 * it keeps of that: attributes, content, names and their absence. It looks when the kernel asks
 * about a directory, which it does before it uses one that it has not asked about for a second. By
 * then a {@link NameWatch} tells what was touched, where there is one: but for writing by a memory
 * map, which nobody is told of. Otherwise all that is known in the directory is looked at.
 */
export class LowerChanges {
  readonly #backend: FuseBackend;
  readonly #nodes: NodeTable;
  readonly #forget: (messages: readonly Buffer[]) => void;
  readonly #known = new WeakMap<FuseNode, Known>();
  readonly #watch: NameWatch<FuseNode>;
  /** What was touched in directories that have not been looked at since. */
  readonly #touched = new Map<FuseNode, Set<string>>();
  #drainedMs = 0;
  /** When events were lost, by `performance.now()`. */
  #lostMs = 0;

  /** @param forget makes the kernel forget. */
  constructor(
    backend: FuseBackend,
    nodes: NodeTable,
    forget: (messages: readonly Buffer[]) => void,
  ) {
    this.#backend = backend;
    this.#nodes = nodes;
    this.#forget = forget;
    this.#watch = new NameWatch(
      ["modify", "attributes", "movedFrom", "movedTo", "create", "delete"],
      (node) => {
        const known = this.#known.get(node);
        if (known !== undefined) Object.assign(known, { watchedIno: undefined, sign: undefined });
      },
    );
  }

  /** Takes note of what the kernel is about to be told of a node. */
  noteTold(node: FuseNode, attributes: Attributes): void {
    // Of what the kernel asks for every time it keeps nothing.
    node.isOwn ||= attributes.isVolatile === true;
    if (node.isOwn || node.type === directoryType) return;
    const { changedNs } = node;
    if (changedNs === attributes.ctimeNs) return;
    node.changedNs = settled(attributes.ctimeNs);
    if (changedNs === undefined) return;
    node.isOwn = this.#isPending(node);
    // Its pages may be of the time before.
    if (!node.isOwn) this.#forget([encodeInvalidation(node.id)]);
  }

  /**
   * Takes note that the kernel is about to be told that a directory has no such name.
   *
   * @returns whether it may keep that.
   */
  noteAbsent(directory: FuseNode, name: string): boolean {
    const { absent } = this.#knownOf(directory);
    if (absent.size < absentMax) absent.add(name);
    return absent.has(name);
  }

  /**
   * Looks at what the kernel knows in a directory, and makes it forget what is not so any more.
   *
   * @param findLower finds what shows through in it.
   */
  look(directory: FuseNode, findLower: () => LowerDirectory | undefined): void {
    const known = this.#knownOf(directory);
    if (directory.children.size === 0 && known.absent.size === 0) return;
    if (performance.now() - known.lookedMs < lookMs) return;
    const lower = findLower();
    if (lower === undefined) return;
    const names = this.#namesTouched(directory, known, lower);
    known.lookedMs = performance.now();
    const messages: Buffer[] = [];
    for (const name of names) {
      const child = directory.children.get(name);
      const isChanged = child === undefined ? this.#hasCome(known, name, lower) : undefined;
      if (isChanged === true) messages.push(entryOf(directory, name));
      if (child !== undefined) messages.push(...messagesOn({ directory, name, child, lower }));
    }
    if (messages.length > 0) this.#forget(messages);
  }

  #hasCome({ absent }: Known, name: string, lower: LowerDirectory): boolean {
    if (!absent.has(name) || lower.stampOf(name) === undefined) return false;
    absent.delete(name);
    return true;
  }

  /** The names that may be something else than the kernel knows. */
  #namesTouched(directory: FuseNode, known: Known, lower: LowerDirectory): Iterable<string> {
    this.#drain();
    const touched = this.#touched.get(directory) ?? [];
    this.#touched.delete(directory);
    const isWatched = known.watchedIno === lower.ino && this.#lostMs < known.lookedMs;
    const hasSameNames = known.watchedIno === undefined && known.sign === lower.sign.text;
    known.sign = settled(lower.sign.changedNs) === unsettled ? undefined : lower.sign.text;
    if (isWatched) return touched;
    const { children } = directory;
    // From now on: whatever came before is found by the look at everything.
    if (this.#watch.add(() => lower.place, directory, children.size)) {
      known.watchedIno = lower.ino;
    }
    if (!hasSameNames) return [...children.keys(), ...known.absent];
    // A directory that is still there looks after what is in it.
    return [...children].filter(([, { type }]) => type !== directoryType).map(([name]) => name);
  }

  #drain(): void {
    const nowMs = performance.now();
    if (nowMs - this.#drainedMs < drainMs) return;
    this.#drainedMs = nowMs;
    const touched = this.#watch.take();
    if (touched === undefined) this.#lostMs = nowMs;
    for (const [directory, names] of touched ?? []) {
      const before = this.#touched.get(directory) ?? new Set();
      for (const name of names) before.add(name);
      this.#touched.set(directory, before);
    }
  }

  #isPending(node: FuseNode): boolean {
    const [place] = node.places;
    const parent = place === undefined ? undefined : this.#nodes.pathOf(place.parent);
    if (place === undefined || parent === undefined) return true;
    return this.#backend.isPending(childOf(parent, place.name));
  }

  #knownOf(directory: FuseNode): Known {
    let known = this.#known.get(directory);
    if (known === undefined) {
      const lookedMs = Number.NEGATIVE_INFINITY;
      known = { absent: new Set(), lookedMs, sign: undefined, watchedIno: undefined };
      this.#known.set(directory, known);
    }
    return known;
  }
}

/** What the kernel has to be told of a name that it knows. */
function messagesOn(place: {
  readonly directory: FuseNode;
  readonly name: string;
  readonly child: FuseNode;
  readonly lower: LowerDirectory;
}): readonly Buffer[] {
  const { directory, name, child, lower } = place;
  if (child.isOwn) return [];
  const stamp = lower.stampOf(name);
  if (stamp === "own") return [];
  const isSame = stamp?.ino === child.ino && (stamp.type === child.type || stamp.type === 0);
  if (!isSame) return [entryOf(directory, name)];
  if (child.type === directoryType || child.changedNs === stamp.changedNs) return [];
  child.changedNs = settled(stamp.changedNs);
  child.found = undefined;
  return [encodeInvalidation(child.id)];
}

function entryOf(directory: FuseNode, name: string): Buffer {
  return encodeEntryInvalidation(directory.id, Buffer.from(encodePath(name)));
}

/** A change time, unless another change could come in the same tick of the clock. */
function settled(changedNs: bigint): bigint {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  return nowNs - changedNs < clockTicksNs ? unsettled : changedNs;
}
