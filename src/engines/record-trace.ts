import { treePathOf } from "../disk/tree-path.ts";
import { isFileOperation, type Operation } from "./operation.ts";
import { absolutePathOf, findBytes, shownPathOf } from "./overlay-path.ts";
import type { EngineFs, EngineOverlay } from "./overlay-port.ts";
import {
  type TraceContentPolicy,
  type TraceLine,
  traceContentOf,
  traceLineOf,
  traceTextOf,
  traceVersion,
} from "./trace.ts";
import { shareUnfinished } from "./unfinished-streams.ts";

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
 * made, files written through descriptors when they are closed. Content that an operation meets for
 * the first time is recorded before it, so that the trace can be replayed on its own.
 */
export function recordTrace(overlay: EngineOverlay, options: RecordOptions = {}): Recording {
  const { content = "inline", now = Date.now } = options;
  const startedAt = now();
  const lines: TraceLine[] = [{ type: "trace", version: traceVersion }];
  const known = new Set<string>();
  const note = (operation: Operation, work: () => unknown) => {
    const before = baseLineOf(overlay, operation, known, content);
    const result = work();
    if (before !== undefined) lines.push(before);
    lines.push(traceLineOf(now() - startedAt, operation, content));
    return result;
  };
  return {
    overlay: {
      root: overlay.root,
      fs: recordingFs(overlay, note),
      savepoint: () => overlay.savepoint(),
      rollback: (savepoint) => overlay.rollback(savepoint),
      release: (savepoint) => overlay.release(savepoint),
    },
    note: (operation) => {
      note(operation, () => undefined);
    },
    commit: () => lines.push({ type: "commit", atMs: now() - startedAt }),
    text: () => traceTextOf(lines),
  };
}

function baseLineOf(
  overlay: EngineOverlay,
  operation: Operation,
  known: Set<string>,
  policy: TraceContentPolicy,
): TraceLine | undefined {
  const path = shownPathOf(overlay, operation.path);
  if (operation.kind === "move") known.add(shownPathOf(overlay, operation.target));
  if (known.has(path) || !(isFileOperation(operation) || operation.kind === "move")) {
    return undefined;
  }
  known.add(path);
  const bytes = findFileBytes(overlay, path);
  if (bytes === undefined) return undefined;
  return { type: "base", path, content: traceContentOf(bytes, policy) };
}

function findFileBytes(overlay: EngineOverlay, path: string): Buffer | undefined {
  const absolute = absolutePathOf(overlay, path);
  try {
    return findBytes(overlay, absolute);
  } catch {
    // A directory, or something that cannot be read, has no content to record.
    return undefined;
  }
}

type Note = (operation: Operation, work: () => unknown) => unknown;

/** The `fs` of an overlay with the calls that change something watched. */
function recordingFs(overlay: EngineOverlay, note: Note): EngineFs {
  const { fs } = overlay;
  const relative = (path: string) =>
    treePathOf(overlay.root, absolutePathOf(overlay, path)) ?? absolutePathOf(overlay, path);
  const written = new Map<number, string>();
  const watched: Partial<EngineFs> = {
    writeFileSync(path, data, options) {
      // Callers of the real `fs` may pass text, whatever the engines do.
      const given: Uint8Array | string = data;
      const bytes = typeof given === "string" ? Buffer.from(given) : new Uint8Array(given);
      note({ kind: "write", path: relative(path), bytes }, () =>
        fs.writeFileSync(path, data, options),
      );
    },
    unlinkSync(path) {
      note({ kind: "delete", path: relative(path) }, () => fs.unlinkSync(path));
    },
    rmSync(path, options) {
      note({ kind: "delete_tree", path: relative(path) }, () => fs.rmSync(path, options));
    },
    rmdirSync(path) {
      note({ kind: "delete_tree", path: relative(path) }, () => fs.rmdirSync(path));
    },
    renameSync(source, target) {
      const operation = { kind: "move", path: relative(source), target: relative(target) } as const;
      note(operation, () => fs.renameSync(source, target));
    },
    mkdirSync(path, options) {
      let made: string | undefined;
      note({ kind: "make_directory", path: relative(path) }, () => {
        made = fs.mkdirSync(path, options);
      });
      return made;
    },
    openSync(path, flags, mode) {
      const descriptor = fs.openSync(path, flags, mode);
      if (flags !== "r") written.set(descriptor, path);
      return descriptor;
    },
    closeSync(descriptor) {
      fs.closeSync(descriptor);
      const path = written.get(descriptor);
      if (path === undefined) return;
      written.delete(descriptor);
      note({ kind: "write", path: relative(path), bytes: fs.readFileSync(path) }, () => undefined);
    },
  };
  const recording = new Proxy(fs, {
    get: (target, name) => Reflect.get(watched, name) ?? Reflect.get(target, name),
  });
  shareUnfinished(recording, fs);
  return recording;
}
