import nodeFs from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { stateDirectoryName } from "../../src/disk/state/state-directory.ts";
import { readContent } from "../../src/overlay/content/content.ts";
import type { OverlayFs, Savepoint } from "../../src/overlay/layer.ts";
import type { Pending } from "../../src/overlay/pending/pending.ts";
import { treeDifferences } from "../../test/conformance/harness/difference.ts";
import { classifierOf, type Frame } from "../../test/conformance/harness/plain.ts";
import { Recorder } from "../../test/conformance/harness/recorder.ts";
import type { Fs } from "../../test/conformance/harness/seed.ts";
import { readTree, type Tree } from "../../test/conformance/harness/tree.ts";
import { renumbered, restoreTree, type SavedTree, saveTree } from "./mirror.ts";
import { type Action, type Place, perform } from "./operations.ts";

/** What an actor works on: an overlay, or the layer of one. */
export interface Subject {
  readonly fs: OverlayFs;
  savepoint(): Savepoint;
  rollback(savepoint: Savepoint): void;
  release(savepoint: Savepoint): void;
  /** What is offered to a commit, where that is shown. */
  readonly pending?: () => Iterable<Pending>;
}

/** One side of the comparison: a recorded fs, its frame and its open descriptors. */
interface Side extends Place {
  readonly recorder: Recorder;
  readonly frame: Frame;
}

/** How a descriptor was opened, and which of all openings that was. */
interface Opened {
  readonly flags: string;
  readonly serial: number;
}

/** What is needed to come back to a savepoint. */
interface Saved {
  readonly savepoint: Savepoint;
  readonly tree: SavedTree;
  readonly opened: ReadonlyMap<number, Opened>;
}

/** A real descriptor to be opened again. */
interface Kept {
  readonly slot: number;
  readonly path: string;
  readonly flags: string;
  readonly position: number;
}

const { S_IFMT, S_IFDIR } = nodeFs.constants;

type OpenInput = readonly [slot: number, path: string, flags: string];

/** Flags that open a file as it was opened, without emptying it; those for writing alone have none. */
const flagsToReopen: Readonly<Record<string, string>> = {
  r: "r",
  "r+": "r+",
  "w+": "r+",
  a: "a",
  "a+": "a+",
  "ax+": "a+",
};

/** One overlay, and a real directory that it must equal. */
export class Actor {
  readonly #subject: Subject;
  readonly #real: Side;
  readonly #overlay: Side;
  readonly #savepoints: Saved[] = [];
  /** How the descriptor in each slot was opened. */
  readonly #opened = new Map<number, Opened>();
  #opens = 0;

  /**
   * @param lower the root of the subject.
   * @param mirror a real directory, equal to the lower at the start.
   */
  constructor(subject: Subject, lower: string, mirror: string) {
    this.#subject = subject;
    this.#real = sideOf(nodeFs, mirror);
    this.#overlay = sideOf(subject.fs as unknown as Fs, lower);
  }

  /** Performs an action on both sides and compares what came of it. */
  step(action: Action): void {
    switch (action.kind) {
      case "savepoint": {
        const tree = saveTree(this.#real.root);
        // What this user may not read now could not be put back.
        if (tree === undefined) return;
        const opened = new Map(this.#opened);
        this.#savepoints.push({ savepoint: this.#subject.savepoint(), tree, opened });
        return;
      }
      case "rollback":
        this.#rollback();
        return;
      case "release": {
        const last = this.#savepoints.pop();
        if (last) this.#subject.release(last.savepoint);
        return;
      }
      default:
        perform(this.#real, action);
        perform(this.#overlay, action);
        if (action.kind === "open") this.#noteOpened(action.input as OpenInput);
        this.#compareSteps();
    }
  }

  /** Compares the whole trees. */
  compareTrees(): void {
    const differences = treeDifferences(treeOf(this.#real), treeOf(this.#overlay));
    if (differences.length > 0) throw new Error(`The trees differ: ${shown(differences)}`);
    this.#compareSpills();
  }

  /** Compares what is offered to a commit as a file with what reads of it give. */
  #compareSpills(): void {
    for (const entry of this.#subject.pending?.() ?? []) {
      if (entry.kind !== "file" || entry.content.spilled === undefined) continue;
      const offered = nodeFs.readFileSync(entry.content.spilled);
      if (!offered.equals(readContent(entry.content)))
        throw new Error(`Other bytes: ${entry.path}`);
    }
  }

  /** The merged tree as it is now. */
  view(): Tree {
    return treeOf(this.#overlay);
  }

  /** Whether an action would give a symbolic link another name, which a commit makes a new link. */
  linksLink({ kind, input }: Action): boolean {
    if (kind !== "link") return false;
    const [source] = input as [string, string];
    try {
      return nodeFs.lstatSync(`${this.#real.root}/${source}`).isSymbolicLink();
    } catch {
      return false;
    }
  }

  /** Whether a real tree is the one that is expected; paths are told from the root of each. */
  compareDisk(root: string): void {
    const disk = treeOf({ ...this.#real, root, frame: { ...this.#real.frame, root } });
    const differences = treeDifferences(treeOf(this.#real), withoutState(disk));
    if (differences.length > 0) throw new Error(`The disk differs: ${shown(differences)}`);
  }

  /**
   * Takes account of a commit. It ends all savepoints. Times that nobody set on purpose are moved by
   * what it does: it puts files in place by renaming, which moves those of directories, and leaves
   * alone what is as it was although it was written.
   *
   * @param timesSet paths at which times were set on purpose.
   */
  noteCommit(timesSet: ReadonlySet<string>): void {
    this.#savepoints.length = 0;
    this.#followTimes(timesSet);
  }

  #followTimes(timesSet: ReadonlySet<string>): void {
    const expected = treeOf(this.#real);
    for (const [path, { mtime, mode }] of Object.entries(treeOf(this.#overlay))) {
      const before = expected[path]?.["mtime"];
      const isDirectory = (Number.parseInt(String(mode), 8) & S_IFMT) === S_IFDIR;
      const isMoved = before === "changed" || (mtime === "changed" && isDirectory);
      if (before === mtime || !isMoved || timesSet.has(path)) continue;
      this.#takeTimes(path);
    }
  }

  /** Takes account of an undo, which gives each name a file of its own and leaves times to the disk. */
  noteUndo(disk: SavedTree): void {
    this.#savepoints.length = 0;
    const [theirs, ours] = [this.#overlay.root, this.#real.root];
    const own = disk.map(({ content, ...node }) => ({
      ...node,
      content: typeof content === "string" ? content.replace(theirs, ours) : content,
    }));
    restoreTree(ours, own);
    this.#followTimes(new Set());
  }

  #takeTimes(path: string): void {
    const at = join(this.#real.root, path);
    if (nodeFs.lstatSync(at, { throwIfNoEntry: false }) === undefined) return;
    const { mtimeMs } = this.#overlay.raw.lstatSync(join(this.#overlay.root, path));
    nodeFs.lutimesSync(at, mtimeMs / 1000, mtimeMs / 1000);
  }

  /** Closes all descriptors of the program. */
  close(): void {
    for (const side of [this.#real, this.#overlay]) {
      for (const slot of [...side.open.keys()]) this.#closeSlot(side, slot);
    }
  }

  #noteOpened([slot, , flags]: OpenInput): void {
    this.#opened.set(slot, { flags, serial: ++this.#opens });
  }

  /** Puts both sides back; what was open at the savepoint and has a name then stays open. */
  #rollback(): void {
    const last = this.#savepoints.pop();
    if (!last) return;
    const kept = [...this.#real.open.keys()].flatMap((slot) => this.#keptAt(slot, last));
    this.#subject.rollback(last.savepoint);
    const inodes = restoreTree(this.#real.root, last.tree);
    for (const [index, saved] of this.#savepoints.entries()) {
      this.#savepoints[index] = { ...saved, tree: renumbered(saved.tree, inodes) };
    }
    for (const { slot, path, flags, position } of kept) {
      const descriptor = openAt(join(this.#real.root, path), flags, position);
      if (descriptor === undefined) this.#closeSlot(this.#overlay, slot);
      else this.#real.open.set(slot, descriptor);
    }
    this.compareTrees();
  }

  /** Closes a slot on the real side, to be opened again, and on both if that cannot be. */
  #keptAt(slot: number, { opened, tree }: Saved): Kept[] {
    const descriptor = this.#real.open.get(slot);
    if (descriptor === undefined) return [];
    const { ino } = nodeFs.fstatSync(descriptor, { bigint: true });
    const position = positionOf(descriptor);
    this.#closeSlot(this.#real, slot);
    const now = this.#opened.get(slot);
    const before = opened.get(slot);
    const node = tree.find(({ inode, stats }) => inode === ino && stats.isFile());
    const flags = before === undefined ? undefined : flagsToReopen[before.flags];
    if (node !== undefined && flags !== undefined && before?.serial === now?.serial) {
      return [{ slot, path: node.path, flags, position }];
    }
    this.#closeSlot(this.#overlay, slot);
    return [];
  }

  #closeSlot({ raw, open }: Side, slot: number): void {
    const descriptor = open.get(slot);
    if (descriptor !== undefined) raw.closeSync(descriptor);
    open.delete(slot);
  }

  #compareSteps(): void {
    const expected = this.#real.recorder.steps.splice(0);
    const got = this.#overlay.recorder.steps.splice(0);
    if (isDeepStrictEqual(expected, got)) return;
    throw new Error(`Expected ${shown(expected)}\n     got ${shown(got)}`);
  }
}

function positionOf(descriptor: number): number {
  const info = nodeFs.readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
  return Number(/^pos:\s*(\d+)/.exec(info)?.[1] ?? 0);
}

/** Opens a file at a position, which only reading can move to; `undefined` where it cannot. */
function openAt(path: string, flags: string, position: number): number | undefined {
  const descriptor = nodeFs.openSync(path, flags);
  if (flags === "a") return descriptor;
  const before = Buffer.alloc(position);
  if (nodeFs.readSync(descriptor, before, 0, position, null) === position) return descriptor;
  nodeFs.closeSync(descriptor);
  return undefined;
}

function sideOf(fs: Fs, root: string): Side {
  const frame: Frame = {
    root,
    outside: join(root, "..", "outside"),
    timeOf: withoutClock(classifierOf(BigInt(Date.now()) * 1_000_000n)),
    directoryLinks: false,
    aliases: new Map(),
  };
  const recorder = new Recorder(fs, frame);
  const note = recorder.note.bind(recorder);
  return { fs: recorder.fs, raw: fs, root, open: new Map(), note, recorder, frame };
}

/** There is no wait between seeding and running here, so that near times say nothing. */
function withoutClock(timeOf: (timeNs: bigint) => string): (timeNs: bigint) => string {
  return (timeNs) => {
    const found = timeOf(timeNs);
    return found === "seeded" ? "changed" : found;
  };
}

function withoutState(tree: Tree): Tree {
  const own = ([path]: [string, unknown]) =>
    path !== stateDirectoryName && !path.startsWith(`${stateDirectoryName}/`);
  return Object.fromEntries(Object.entries(tree).filter(own));
}

/** The tree of one side as it is now. */
function treeOf({ raw, root, frame }: Side): Tree {
  return readTree(raw, root, frame);
}

function shown(value: unknown): string {
  return JSON.stringify(value, null, 1).slice(0, 4000);
}
