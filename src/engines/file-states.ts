import { basename, join } from "node:path";
import { isWithin } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import { applyEdit } from "./coalesce/apply-edit.ts";
import type { Edit } from "./coalesce/edit.ts";
import { editError } from "./coalesce/edit-failure.ts";
import { PieceList } from "./coalesce/piece-list.ts";
import type { KnownNodes } from "./known-nodes.ts";
import {
  absolutePathOf,
  codeOf,
  directoryOf,
  findBytes,
  findNode,
  shownPathOf,
} from "./overlay-path.ts";
import type { EngineOverlay, EngineStats } from "./overlay-port.ts";

/** Where the state of a file is kept, and what lies there; `undefined` when it is known already. */
interface Location {
  readonly key: string;
  readonly node: EngineStats | undefined;
}

/** What has to be done to one file after everything that was asked of it. */
export type FileChange =
  | {
      readonly kind: "write";
      readonly path: string;
      readonly bytes: Buffer;
      /** What it replaces; `undefined` for a new file. */
      readonly before: Buffer | undefined;
      /** Whether what lay there was deleted first: the new file is not the old one changed. */
      readonly isNewFile: boolean;
    }
  | { readonly kind: "delete"; readonly path: string }
  /** The operations cancel each other, or leave what is there already. */
  | { readonly kind: "nothing"; readonly path: string; readonly because: "same" | "cancelled" };

interface FileState {
  readonly path: string;
  readonly existed: boolean;
  readonly sizeBefore: number;
  /** Read at most once. */
  base: Buffer | undefined;
  /** What it is to become. A file that is only looked at is never loaded. */
  content: PieceList | "untouched" | "absent";
  operations: number;
  /** Whether what existed was deleted on the way. */
  wasDeleted: boolean;
  /** Whether its content, or that it does not exist, was relied on. */
  observed: boolean;
}

/**
 * What the files of an overlay are to become, gathered operation by operation without writing any
 * of them: the coalescing engine's working memory. Each file is read at most once, and
 * {@link changes} tells the one thing that is left to do for each.
 *
 * Paths that lead to one file (symbolic and hard links) share one state.
 */
export class FileStates {
  readonly #overlay: EngineOverlay;
  readonly #known: KnownNodes | undefined;
  readonly #states = new Map<string, FileState>();
  readonly #parents = new Map<string, string>();
  readonly #hardLinks = new Map<string, string>();
  /** A link whose deletion waits: others that lead through it still do so in the overlay. */
  #removedLink: string | undefined;
  /** Operations taken and files read, for measurements. */
  operations = 0;
  reads = 0;
  /** Reads and writes that the same operations would have made one by one. */
  plainCalls = 0;

  /** @param known what was looked at before, when nothing has changed since. */
  constructor(overlay: EngineOverlay, known?: KnownNodes) {
    this.#overlay = overlay;
    this.#known = known;
  }

  /**
   * Replaces the content of a file, or makes it. `bytes` must not change until it is applied.
   *
   * @returns the path under which that is gathered, as of {@link pathOf}.
   */
  write(path: string, bytes: Uint8Array): string {
    const state = this.#stateOf(path);
    state.content = new PieceList(bytes);
    this.#count(state);
    this.plainCalls += 1;
    return state.path;
  }

  /**
   * Applies edits in order, all or none.
   *
   * @returns the number of replacements of each edit.
   * @throws {DraftError} `DRAFT_EDIT_FAILED` with the failing index; the file is as before.
   */
  edit(path: string, edits: readonly Edit[]): number[] {
    const shown = shownPathOf(this.#overlay, path);
    const state = this.#stateOf(path);
    const content = this.#editableOf(state, edits, shown);
    const before = content.snapshot();
    const replacements = edits.map((edit, index) => {
      const outcome = applyEdit(content, edit);
      if (outcome.kind === "applied") return outcome.replacements;
      content.restore(before);
      throw editError(shown, index, edits.length, outcome.failure);
    });
    state.content = content;
    this.#count(state);
    this.plainCalls += edits.length * 2;
    return replacements;
  }

  /**
   * Deletes a file or a symbolic link (the link itself).
   *
   * @returns the path under which that is gathered; a link on the way cannot be followed any more.
   * @throws Node's `ENOENT` where nothing lies, `EISDIR` for a directory.
   */
  remove(path: string): string {
    const absolute = this.#placeOf(absolutePathOf(this.#overlay, path));
    const known = this.#states.get(absolute);
    if (known?.content === "absent") throw absence("unlink", absolute);
    const node = known?.existed === false ? undefined : this.#overlay.fs.lstatSync(absolute);
    if (node?.isDirectory()) throw directoryError(absolute);
    if (node !== undefined) this.#refuseSharedInode(absolute, node);
    if (node?.isSymbolicLink()) {
      this.#removedLink = absolute;
      this.#parents.clear();
    }
    const state = known ?? this.#add(absolute, true, node?.size ?? 0);
    state.content = "absent";
    state.wasDeleted = state.existed;
    this.#count(state);
    this.plainCalls += 1;
    return absolute;
  }

  /** The content of a file as it will be, `undefined` when there will be none. */
  read(path: string): Buffer | undefined {
    return this.#contentOf(this.#stateOf(path))?.toBytes();
  }

  /** Whether a symbolic link lies at the path itself and is to stay. */
  isLink(path: string): boolean {
    const place = this.placeOf(path);
    return !this.#states.has(place) && findNode(this.#overlay, place)?.isSymbolicLink() === true;
  }

  /** Files that were read here and are not any more what they were then. */
  stalePaths(): string[] {
    return [...this.#states.values()]
      .filter((state) => state.observed || state.wasDeleted)
      .filter((state) => !this.#isAsRead(state))
      .map((state) => state.path);
  }

  #isAsRead(state: FileState): boolean {
    if (!state.observed) return findNode(this.#overlay, state.path) !== undefined;
    const now = findBytes(this.#overlay, state.path);
    if (!state.existed) return now === undefined;
    return now !== undefined && state.base !== undefined && now.equals(state.base);
  }

  /** The one path under which operations on `path` are gathered: links are followed. */
  pathOf(path: string): string {
    return this.keyOf(absolutePathOf(this.#overlay, path));
  }

  /** The same of a path that is absolute already, as `absolutePathOf` gives it. */
  keyOf(absolute: string): string {
    return this.#locate(absolute).key;
  }

  /** The path of a name itself, its parents resolved: where a deletion of `path` is gathered. */
  placeOf(path: string): string {
    return this.#placeOf(absolutePathOf(this.#overlay, path));
  }

  /** Whether an operation on `path` is waiting. */
  has(path: string): boolean {
    return this.waitingFor(path) > 0;
  }

  /** How many operations on `path` are waiting. */
  waitingFor(path: string): number {
    return this.#find(path)?.operations ?? 0;
  }

  /** What is left to do, one entry a file, in the order in which the files were first named. */
  changes(): FileChange[] {
    return [...this.#states.values()]
      .filter((state) => state.operations > 0)
      .map((state) => this.#changeOf(state));
  }

  #changeOf(state: FileState): FileChange {
    const { path } = state;
    const content = this.#contentOf(state);
    if (content === undefined) {
      return state.existed
        ? { kind: "delete", path }
        : { kind: "nothing", path, because: "cancelled" };
    }
    const bytes = content.toBytes();
    // Different sizes differ for certain, so the old content is read only where it may be the same.
    const isNewFile = state.wasDeleted;
    const mayBeSame = state.existed && !isNewFile && state.sizeBefore === bytes.length;
    const before = mayBeSame ? this.#findBase(state) : state.base;
    if (mayBeSame && before?.equals(bytes)) return { kind: "nothing", path, because: "same" };
    return { kind: "write", path, bytes, before, isNewFile };
  }

  /** What edits apply to: the content in progress itself, since a copy for each would be dear. */
  #editableOf(state: FileState, edits: readonly Edit[], shown: string): PieceList {
    const content = this.#contentOf(state);
    const first = edits[0];
    const creates = first?.kind === "string" && first.oldText === "";
    if (content === undefined && !creates) {
      throw editError(shown, 0, edits.length, {
        reason: "missing_file",
        message: "there is no such file. Check the path, or create it with an empty old text.",
      });
    }
    return content ?? new PieceList(new Uint8Array(0));
  }

  #contentOf(state: FileState): PieceList | undefined {
    if (state.content === "absent") {
      state.observed ||= !state.existed;
      return undefined;
    }
    return state.content === "untouched" ? new PieceList(this.#baseOf(state)) : state.content;
  }

  #findBase(state: FileState): Buffer | undefined {
    if (state.base !== undefined) return state.base;
    this.reads += 1;
    return findBytes(this.#overlay, state.path);
  }

  #baseOf(state: FileState): Buffer {
    if (state.base === undefined) {
      this.reads += 1;
      state.base = this.#overlay.fs.readFileSync(state.path);
      state.observed = true;
    }
    return state.base;
  }

  #find(path: string): FileState | undefined {
    return this.#states.get(this.keyOf(absolutePathOf(this.#overlay, path)));
  }

  #stateOf(path: string): FileState {
    const { key, node } = this.#locate(absolutePathOf(this.#overlay, path));
    const found = this.#states.get(key);
    if (found !== undefined) return found;
    if (node?.isDirectory()) throw directoryError(key);
    return this.#add(key, node !== undefined, node?.size ?? 0);
  }

  #add(path: string, existed: boolean, sizeBefore: number): FileState {
    const state: FileState = {
      path,
      existed,
      sizeBefore,
      base: undefined,
      content: existed ? "untouched" : "absent",
      operations: 0,
      wasDeleted: false,
      observed: false,
    };
    this.#states.set(path, state);
    return state;
  }

  #count(state: FileState): void {
    state.operations += 1;
    this.operations += 1;
  }

  /** That path, and what lies there when that had to be looked at. */
  #locate(absolute: string): Location {
    const place = this.#placeOf(absolute);
    if (this.#states.has(place)) return { key: place, node: undefined };
    const node = this.#findNode(place);
    if (node?.isSymbolicLink()) return this.#locate(this.#linkTargetOf(place));
    if (node === undefined || node.nlink < 2 || node.isDirectory()) return { key: place, node };
    const inode = `${node.dev}:${node.ino}`;
    const first = this.#hardLinks.get(inode) ?? place;
    this.#hardLinks.set(inode, first);
    return { key: first, node };
  }

  #linkTargetOf(link: string): string {
    this.#refuseRemovedLink(link);
    try {
      return this.#overlay.fs.realpathSync(link);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      throw new DraftError(
        "DRAFT_UNSUPPORTED",
        `Cannot write through ${link}: the link leads nowhere. Write to its target, or remove it.`,
        { path: link, cause: error },
      );
    }
  }

  /** The path with its parents resolved; its last component stays as it is. */
  #placeOf(absolute: string): string {
    if (absolute === "/") return absolute;
    const parent = directoryOf(absolute);
    const real = this.#realParentOf(parent);
    return real === parent ? absolute : join(real, basename(absolute));
  }

  /** Component by component, since the directories of a batch share most of their path. */
  #realParentOf(parent: string): string {
    const known = this.#parents.get(parent);
    if (known !== undefined) return known;
    const real = this.#resolve(parent);
    this.#parents.set(parent, real);
    return real;
  }

  #resolve(parent: string): string {
    const { root } = this.#overlay;
    if (parent === root || !isWithin(parent, root)) return this.#resolvedParent(parent);
    // From above, since below what is missing nothing needs to be looked at.
    const place = this.#placeOf(parent);
    const leadsNowhereElse = this.#findNode(parent)?.isDirectory() ?? true;
    return leadsNowhereElse ? place : this.#resolvedParent(parent);
  }

  #findNode(path: string): EngineStats | undefined {
    return this.#known === undefined ? findNode(this.#overlay, path) : this.#known.find(path);
  }

  #resolvedParent(parent: string): string {
    const { root } = this.#overlay;
    // What leads to the root itself is none of its links.
    if (parent !== root && isWithin(parent, root)) this.#refuseRemovedLink(parent);
    try {
      return this.#overlay.fs.realpathSync(parent);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      return this.#placeOf(parent);
    }
  }

  #refuseRemovedLink(path: string): void {
    if (this.#removedLink === undefined) return;
    throw new DraftError(
      "DRAFT_UNSUPPORTED",
      `Cannot follow the link ${path} together with the deletion of ${this.#removedLink}, ` +
        "through which it may lead. Apply the deletion first.",
      { path },
    );
  }

  #refuseSharedInode(path: string, node: EngineStats): void {
    const inode = `${node.dev}:${node.ino}`;
    const shared = this.#hardLinks.get(inode);
    if (shared === undefined) return;
    if ((this.#states.get(shared)?.operations ?? 0) === 0) {
      this.#hardLinks.delete(inode);
      return;
    }
    throw new DraftError(
      "DRAFT_UNSUPPORTED",
      `Cannot delete ${path} together with a change of ${shared}: they are hard links of one ` +
        "file. Apply the change first.",
      { path },
    );
  }
}

function absence(syscall: string, path: string): NodeJS.ErrnoException {
  const message = `ENOENT: no such file or directory, ${syscall} '${path}'`;
  return Object.assign(new Error(message), { code: "ENOENT", errno: -2, syscall, path });
}

function directoryError(path: string): NodeJS.ErrnoException {
  const message = `EISDIR: illegal operation on a directory, open '${path}'`;
  return Object.assign(new Error(message), { code: "EISDIR", errno: -21, syscall: "open", path });
}
