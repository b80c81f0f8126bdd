import { basename, dirname, join } from "node:path";
import { checkOptions } from "../../check-options.ts";
import { isFileOperation, type Operation } from "../operation.ts";
import { recordNames } from "../option-names.ts";
import { absolutePathOf, findBytes, findNode, findTarget, shownPathOf } from "../overlay-path.ts";
import type { EngineFs, EngineOverlay } from "../overlay-port.ts";
import { shareUnfinished } from "../stream/unfinished-streams.ts";
import {
  type TraceContentPolicy,
  traceContentOf,
  traceLineOf,
  traceTextOf,
  traceVersion,
} from "./trace.ts";
import type { TraceLine } from "./trace-line.ts";

/** A recording under way. */
export interface Recording {
  /** The overlay to use instead: what is done through its `fs` is recorded. */
  readonly overlay: EngineOverlay;
  /** Takes note of an operation that is about to be done by other means than the overlay's `fs`. */
  note(operation: Operation): void;
  /** Takes note that everything so far was committed. */
  commit(): void;
  /** The trace, one JSON object a line. */
  text(): string;
}

export interface RecordOptions {
  /** `"inline"` (the default) keeps content; `"hash"` only its hash and length. */
  readonly content?: TraceContentPolicy;
  /** Milliseconds; the system's clock by default. */
  readonly now?: () => number;
}

/**
 * Records what is done to an overlay. Whole-file calls and those on names are recorded as they are
 * made, files written through descriptors when they are closed. What an operation meets for the
 * first time is recorded before it, trees included, so that the trace can be replayed on its own. A
 * rollback takes operations out of the trace again.
 *
 * Links cannot be recorded: what is written through one is recorded at the file that it leads to,
 * and what is done to a link itself is left out. Files with several names are several files.
 */
export function recordTrace(overlay: EngineOverlay, options: RecordOptions = {}): Recording {
  checkOptions("recordTrace", options, recordNames);
  const recorder = new Recorder(overlay, options);
  const fs = recordingFs(overlay, recorder);
  const marks = new WeakMap<object, number>();
  return {
    overlay: {
      root: overlay.root,
      fs,
      ...(overlay.optimizer === undefined ? {} : { optimizer: overlay.optimizer }),
      holdsChanges: overlay.holdsChanges ?? false,
      savepoint() {
        const mark = { savepoint: overlay.savepoint() };
        marks.set(mark, recorder.length);
        return mark;
      },
      rollback(mark) {
        overlay.rollback((mark as Mark).savepoint);
        recorder.truncate(marks.get(mark as Mark) ?? 0);
      },
      release: (mark) => overlay.release((mark as Mark).savepoint),
    },
    note: (operation) => recorder.record(operation, () => undefined),
    commit: () => recorder.commit(),
    text: () => recorder.text(),
  };
}

interface Mark {
  readonly savepoint: unknown;
}

/** The lines of a trace, and which part of the tree as it was before they know. */
class Recorder {
  readonly #overlay: EngineOverlay;
  readonly #content: TraceContentPolicy;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #base: TraceLine[] = [];
  #lines: TraceLine[] = [];
  /** Paths whose old state is recorded, or which were not there. */
  readonly #known = new Set<string>();
  /** Likewise, with everything below them. */
  readonly #knownTrees = new Set<string>();

  constructor(overlay: EngineOverlay, { content = "inline", now = Date.now }: RecordOptions) {
    this.#overlay = overlay;
    this.#content = content;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Lines of operations so far. */
  get length(): number {
    return this.#lines.length;
  }

  /** Records an operation when `work`, which does it, has succeeded. */
  record(operation: Operation, work: () => unknown): void {
    this.noteBase(operation);
    work();
    const atMs = this.#now() - this.#startedAt;
    this.#lines.push(traceLineOf(atMs, operation, this.#content));
  }

  /** Takes note of what an operation is about to change. */
  noteBase(operation: Operation): void {
    const path = shownPathOf(this.#overlay, operation.path);
    if (isFileOperation(operation)) this.#noteNode(path);
    else this.#noteTree(path);
    if (operation.kind === "move") this.#noteTree(shownPathOf(this.#overlay, operation.target));
  }

  /** Forgets the operations after the first ones. What they met stays known: it was so before. */
  truncate(length: number): void {
    this.#lines = this.#lines.slice(0, length);
  }

  commit(): void {
    this.#lines.push({ type: "commit", atMs: this.#now() - this.#startedAt });
  }

  text(): string {
    const header: TraceLine = { type: "trace", version: traceVersion };
    return traceTextOf([header, ...this.#base, ...this.#lines]);
  }

  #noteNode(path: string): void {
    if (this.#isKnown(path)) return;
    this.#known.add(path);
    const node = findTarget(this.#overlay, absolutePathOf(this.#overlay, path));
    if (node === undefined) this.#noteAbsence(path);
    if (node?.isDirectory()) this.#base.push({ type: "base", path });
    const bytes = node?.isFile() ? this.#findReadable(path) : undefined;
    if (bytes === undefined) return;
    this.#base.push({ type: "base", path, content: traceContentOf(bytes, this.#content) });
  }

  /**
   * Takes note that nothing lies at a path, nor at those above it up to the first that is there.
   */
  #noteAbsence(path: string): void {
    for (let at = path; at !== dirname(at); at = dirname(at)) {
      if (findNode(this.#overlay, absolutePathOf(this.#overlay, at)) !== undefined) return;
      this.#knownTrees.add(at);
    }
  }

  /** Takes note that a file was not there before. */
  markKnown(path: string): void {
    this.#known.add(path);
  }

  #findReadable(path: string): Buffer | undefined {
    try {
      return findBytes(this.#overlay, absolutePathOf(this.#overlay, path));
    } catch {
      // What cannot be read has no content to record; the operation may be possible all the same.
      return undefined;
    }
  }

  /** What lies at a path and below it. */
  #noteTree(path: string): void {
    const absolute = absolutePathOf(this.#overlay, path);
    const node = findNode(this.#overlay, absolute);
    if (node?.isDirectory()) {
      this.#noteNode(path);
      for (const entry of this.#overlay.fs.readdirSync(absolute, { withFileTypes: true })) {
        if (!entry.isSymbolicLink()) this.#noteTree(join(path, entry.name));
      }
    } else if (node?.isFile()) this.#noteNode(path);
    else if (node === undefined) this.#noteAbsence(path);
    this.#knownTrees.add(path);
  }

  #isKnown(path: string): boolean {
    if (this.#known.has(path)) return true;
    for (let at = path; ; at = dirname(at)) {
      if (this.#knownTrees.has(at)) return true;
      if (at === dirname(at)) return false;
    }
  }
}

/** The `fs` of an overlay with the calls that change something watched. */
function recordingFs(overlay: EngineOverlay, recorder: Recorder): EngineFs {
  const { fs } = overlay;
  const shown = (path: string) => shownPathOf(overlay, path);
  /** A name itself, its parents resolved. */
  const placeOf = (path: string) => {
    const absolute = absolutePathOf(overlay, path);
    const parent = realPathOf(overlay, dirname(absolute));
    return shown(join(parent, basename(absolute)));
  };
  /** The file that a name leads to; the name where there is none yet. */
  const fileOf = (path: string) => {
    const absolute = absolutePathOf(overlay, path);
    const isThere = findTarget(overlay, absolute) !== undefined;
    return isThere ? shown(fs.realpathSync(absolute)) : placeOf(path);
  };
  const isLink = (path: string) =>
    findNode(overlay, absolutePathOf(overlay, path))?.isSymbolicLink() === true;
  /** Whether it is a link whose target is still to be made, at a place that shows only then. */
  const leadsNowhere = (path: string) =>
    isLink(path) && findTarget(overlay, absolutePathOf(overlay, path)) === undefined;
  /** Records what is done to a name, unless a link has it. */
  const onName = (operation: Operation, path: string, work: () => void) => {
    if (isLink(path)) work();
    else recorder.record(operation, work);
  };
  const written = new Map<number, string>();
  const watched: Partial<EngineFs> = {
    writeFileSync(path, data, options) {
      // Callers of the real `fs` may pass text, whatever the engines do.
      const given: Uint8Array | string = data;
      const bytes = typeof given === "string" ? Buffer.from(given) : new Uint8Array(given);
      const work = () => fs.writeFileSync(path, data, options);
      if (leadsNowhere(path)) {
        work();
        recorder.markKnown(fileOf(path));
        recorder.record({ kind: "write", path: fileOf(path), bytes }, () => undefined);
      } else recorder.record({ kind: "write", path: fileOf(path), bytes }, work);
    },
    unlinkSync(path) {
      onName({ kind: "delete", path: placeOf(path) }, path, () => fs.unlinkSync(path));
    },
    rmSync(path, options) {
      const isThere = findNode(overlay, absolutePathOf(overlay, path)) !== undefined;
      // With `force` there may be nothing to remove.
      if (!isThere) fs.rmSync(path, options);
      else {
        onName({ kind: "delete_tree", path: placeOf(path) }, path, () => fs.rmSync(path, options));
      }
    },
    rmdirSync(path) {
      recorder.record({ kind: "delete_tree", path: placeOf(path) }, () => fs.rmdirSync(path));
    },
    renameSync(source, target) {
      const work = () => fs.renameSync(source, target);
      const lost = findNode(overlay, absolutePathOf(overlay, target));
      if (!isLink(source)) {
        recorder.record({ kind: "move", path: placeOf(source), target: placeOf(target) }, work);
      } else if (lost?.isFile()) {
        // All that a trace can hold of it: the file has gone.
        recorder.record({ kind: "delete", path: placeOf(target) }, work);
      } else work();
    },
    mkdirSync(path, options) {
      let made: string | undefined;
      recorder.record({ kind: "make_directory", path: fileOf(path) }, () => {
        made = fs.mkdirSync(path, options);
      });
      return made;
    },
    openSync(path, flags, mode) {
      if (flags === "r") return fs.openSync(path, flags, mode);
      if (leadsNowhere(path)) {
        const opened = fs.openSync(path, flags, mode);
        recorder.markKnown(fileOf(path));
        written.set(opened, fileOf(path));
        return opened;
      }
      const place = fileOf(path);
      // Now: opening may truncate it already.
      recorder.noteBase({ kind: "write", path: place, bytes: new Uint8Array(0) });
      const descriptor = fs.openSync(path, flags, mode);
      written.set(descriptor, place);
      return descriptor;
    },
    closeSync(descriptor) {
      fs.closeSync(descriptor);
      const path = written.get(descriptor);
      written.delete(descriptor);
      if (path === undefined) return;
      // It may have been deleted or moved while it was open, with its content so far.
      const bytes = findBytes(overlay, absolutePathOf(overlay, path));
      if (bytes !== undefined) recorder.record({ kind: "write", path, bytes }, () => undefined);
    },
  };
  const recording = new Proxy(fs, {
    get: (target, name) => Reflect.get(watched, name) ?? Reflect.get(target, name),
  });
  shareUnfinished(recording, fs);
  return recording;
}

/** A directory's path without links; of one that is not there, as much of it as is. */
function realPathOf(overlay: EngineOverlay, path: string): string {
  if (findTarget(overlay, path) !== undefined) return overlay.fs.realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPathOf(overlay, parent), basename(path));
}
