import { createHash } from "node:crypto";
import { checkOptions } from "../../check-options.ts";
import type {
  Before,
  Change,
  ChangeSet,
  RenameChange,
} from "../../commit/change-set/change-set.ts";
import { OldPlaces } from "../../commit/change-set/old-places.ts";
import type { Lower } from "../../disk/lower/lower.ts";
import { kindOf } from "../../disk/stamp.ts";
import { absoluteOf, childOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import { traceContentBytesMax } from "../../limits.ts";
import { chunksOf, readContent } from "../../overlay/content/content.ts";
import type { Content } from "../../overlay/pending/pending.ts";
import type { Operation } from "../operation.ts";
import { changeTraceNames } from "../option-names.ts";
import { orderMoves } from "./order-moves.ts";
import { type TraceContentPolicy, traceContentOf, traceTextOf, traceVersion } from "./trace.ts";
import type { TraceContent, TraceLine } from "./trace-line.ts";

/** How changes are told as a trace. */
export interface ChangeTraceOptions {
  /** `"inline"` (the default) keeps content; `"hash"` only its hash and length. */
  readonly content?: TraceContentPolicy;
  /** When the trace began, in milliseconds since the epoch: files are written in the order and at
   * the times of their mtime. Without it everything is done at once. */
  readonly sinceMs?: number;
}

/**
 * A trace of a change set, as operations that lead from the old tree to the new one: what a command
 * left behind. All that the operations need of the old tree comes first, so that the trace can be
 * replayed in an empty directory. Links, special files and changes of metadata alone are listed as
 * skipped.
 *
 * @param lower the tree that the change set is based on; read for the old content.
 */
export function traceOfChanges(
  changeSet: ChangeSet,
  lower: Lower,
  options: ChangeTraceOptions = {},
): string {
  checkOptions("toTrace", options, changeTraceNames);
  return new ChangeTrace(changeSet, lower, options).text();
}

type TracedOperation = Extract<TraceLine, { type: "operation" }>["operation"];

class ChangeTrace {
  readonly #changeSet: ChangeSet;
  readonly #lower: Lower;
  readonly #options: ChangeTraceOptions;
  readonly #places: OldPlaces;
  readonly #bases: TraceLine[] = [];
  readonly #based = new Set<TreePath>();
  readonly #operations: TraceLine[] = [];
  readonly #skipped: TraceLine[] = [];
  /** Paths of the new tree at which a directory was removed with all that was in it. */
  readonly #emptied = new Set<TreePath>();
  #inlineBytesLeft = traceContentBytesMax;
  /** When the last operation is, since writes are told in the order of their times. */
  #lastMs = 0;

  constructor(changeSet: ChangeSet, lower: Lower, options: ChangeTraceOptions) {
    this.#changeSet = changeSet;
    this.#lower = lower;
    this.#options = options;
    this.#places = new OldPlaces(changeSet.changes);
  }

  text(): string {
    const { changes, unsupported = [] } = this.#changeSet;
    for (const change of changes) this.#tellBase(change);
    for (const change of changes) this.#clearForDirectory(change);
    this.#tellMoves();
    for (const change of changes) this.#tellDeletion(change);
    for (const change of changes) this.#tellDirectory(change);
    this.#tellWrites();
    for (const change of changes) this.#tellSkipped(change);
    for (const path of unsupported) this.#skip(path, "other");
    const header: TraceLine = { type: "trace", version: traceVersion };
    const commit: TraceLine = { type: "commit", atMs: this.#lastMs };
    return traceTextOf([header, ...this.#bases, ...this.#skipped, ...this.#operations, commit]);
  }

  #tellBase(change: Change): void {
    switch (change.kind) {
      case "create":
        break;
      case "modify":
        if (isTold(change)) this.#addBase(this.#places.placeOf(change.path), change.before);
        break;
      case "delete":
        this.#addBase(this.#places.placeOfChange(change), change.before);
        break;
      case "rename":
        this.#addBase(change.from, change.before);
        this.#addTree(change.from, change.before);
        if (change.replaced !== undefined) {
          this.#addBase(this.#places.placeOf(change.path), change.replaced);
        }
        break;
    }
  }

  #addBase(place: TreePath, { state }: Before): void {
    if (state.kind === "symlink" || place === "" || this.#based.has(place)) return;
    this.#based.add(place);
    const content = state.kind === "file" ? this.#lowerContent(place, state.size) : undefined;
    this.#bases.push({ type: "base", path: place, ...(content === undefined ? {} : { content }) });
  }

  /** What moves along with a directory. */
  #addTree(directory: TreePath, { state }: Before): void {
    if (state.kind !== "directory") return;
    const names = this.#lower.readdir(absoluteOf(this.#changeSet.root, directory));
    for (const { name } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const place = childOf(directory, name);
      const stats = this.#lower.lstatExact(absoluteOf(this.#changeSet.root, place));
      const kind = stats === undefined ? "other" : kindOf(stats);
      if (kind === "other" || kind === "symlink") continue;
      const facts = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n };
      const size = Number(stats?.size ?? 0n);
      const inner: Before =
        kind === "file"
          ? { state: { kind, size, oid: undefined, ...facts }, stamp: undefined }
          : { state: { kind, ...facts }, stamp: undefined };
      this.#addBase(place, inner);
      this.#addTree(place, inner);
    }
  }

  /** A directory takes the place of a file, and something may be moved into it. */
  #clearForDirectory(change: Change): void {
    if (change.kind !== "modify" || change.after.state.kind !== "directory") return;
    if (change.before.state.kind !== "file") return;
    this.#add({ kind: "delete", path: this.#places.placeOf(change.path) });
  }

  #tellMoves(): void {
    const moves = this.#changeSet.changes.filter((change): change is RenameChange => {
      return change.kind === "rename" && change.after.state.kind !== "symlink";
    });
    for (const { move, source, target, isLast } of orderMoves(moves)) {
      if (isLast && move.replaced !== undefined) this.#clearTarget(move.path, move.replaced);
      this.#add({ kind: "move", path: source, target });
    }
  }

  #clearTarget(path: TreePath, { state }: Before): void {
    if (state.kind === "directory") {
      this.#add({ kind: "delete_tree", path });
    } else if (state.kind === "file") {
      this.#add({ kind: "delete", path });
    }
  }

  #tellDeletion(change: Change): void {
    const { path } = change;
    if (change.kind === "delete") {
      if (change.place !== undefined || this.#isEmptied(path)) return;
      this.#remove(path, change.before);
    } else if (change.kind === "modify" && change.aspects.includes("type")) {
      const { before, after } = change;
      if (before.state.kind === "file" && after.state.kind === "directory") return;
      this.#remove(path, before);
    }
  }

  #remove(path: TreePath, before: Before): void {
    this.#clearTarget(path, before);
    if (before.state.kind === "directory") this.#emptied.add(path);
  }

  #isEmptied(path: TreePath): boolean {
    for (let above = parentOf(path); above !== ""; above = parentOf(above)) {
      if (this.#emptied.has(above)) return true;
    }
    return false;
  }

  #tellDirectory(change: Change): void {
    const isNew =
      change.kind === "create" || (change.kind === "modify" && change.aspects.includes("type"));
    if (!isNew || change.after.state.kind !== "directory") return;
    this.#add({ kind: "make_directory", path: change.path });
  }

  #tellWrites(): void {
    const writes = this.#changeSet.changes.flatMap((change) => {
      if (change.kind === "delete" || change.after.content === undefined) return [];
      const { state, content } = change.after;
      return [{ path: change.path, content, atMs: this.#timeOf(state.mtimeNs) }];
    });
    writes.sort((a, b) => a.atMs - b.atMs);
    for (const { path, content, atMs } of writes) {
      this.#add({ kind: "write", path, content: this.#contentOf(content) }, atMs);
      this.#lastMs = atMs;
    }
  }

  #timeOf(mtimeNs: bigint): number {
    const { sinceMs } = this.#options;
    if (sinceMs === undefined) return 0;
    return Math.max(0, Math.round(Number(mtimeNs) / 1e6 - sinceMs));
  }

  #tellSkipped(change: Change): void {
    if (change.kind === "delete") {
      if (change.before.state.kind === "symlink") this.#skip(change.path, "symlink");
      return;
    }
    if (change.after.state.kind === "symlink") this.#skip(change.path, "symlink");
    else if (change.kind === "modify" && !isTold(change)) this.#skip(change.path, "metadata");
  }

  #skip(path: TreePath, reason: string): void {
    if (path !== "") this.#skipped.push({ type: "skipped", path, reason });
  }

  #add(operation: TracedOperation | Exclude<Operation, { kind: "write" | "edit" }>, atMs = 0) {
    this.#operations.push({ type: "operation", atMs, operation });
  }

  #lowerContent(place: TreePath, size: number): TraceContent {
    const { root } = this.#changeSet;
    const descriptor = this.#lower.open(absoluteOf(root, place));
    try {
      return this.#contentOf({
        size,
        lower: undefined,
        spilled: undefined,
        read: (buffer, position) => this.#lower.read(descriptor, buffer, position),
      });
    } finally {
      this.#lower.close(descriptor);
    }
  }

  #contentOf(content: Content): TraceContent {
    const isInline = this.#options.content !== "hash" && content.size <= this.#inlineBytesLeft;
    if (!isInline) return hashOf(content);
    this.#inlineBytesLeft -= content.size;
    return traceContentOf(readContent(content), "inline");
  }
}

/** Whether a trace can tell of a modification: of new bytes, or another kind of node. */
function isTold(change: Extract<Change, { kind: "modify" }>): boolean {
  return change.aspects.includes("content") || change.aspects.includes("type");
}

function hashOf(content: Content): TraceContent {
  const hash = createHash("sha256");
  for (const chunk of chunksOf(content)) hash.update(chunk);
  return { sha256: hash.digest("hex"), bytes: content.size };
}
