import type {
  After,
  Before,
  Change,
  ChangeSet,
  NodeState,
} from "../../src/commit/change-set/change-set.ts";
import { stateOf } from "../../src/commit/tree/images.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { compareTreePaths } from "../../src/disk/tree-path.ts";
import { bufferContent } from "../../src/overlay/content/content.ts";

const disk = new NodeDisk();

/** Metadata that a test asks for. */
export interface Wish {
  readonly mode?: number;
  /** Group of hard links. */
  readonly group?: number;
  readonly mtimeMs?: number;
  readonly sameNode?: boolean;
}

/** Builds change sets by hand, on top of what really lies on the disk. */
export class ChangeBuilder {
  readonly #root: string;
  readonly #changes: Change[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  create(path: string, content: string | Uint8Array, wish: Wish = {}): this {
    return this.#add({ kind: "create", path, after: fileAfter(content, wish) });
  }

  createDirectory(path: string, wish: Wish = {}): this {
    return this.#add({ kind: "create", path, after: directoryAfter(wish) });
  }

  createLink(path: string, target: string): this {
    return this.#add({ kind: "create", path, after: linkAfter(target) });
  }

  /** New bytes at a path that holds a file. */
  write(path: string, content: string | Uint8Array, wish: Wish = {}, place = path): this {
    const before = this.before(place);
    const mode = "mode" in before.state ? before.state.mode : 0o644;
    const after = fileAfter(content, { mode, ...wish });
    return this.#add({ kind: "modify", path, before, after, aspects: ["content"] });
  }

  retarget(path: string, target: string): this {
    const before = this.before(path);
    return this.#add({
      kind: "modify",
      path,
      before,
      after: linkAfter(target),
      aspects: ["target"],
    });
  }

  /** Another kind of node at a path. */
  retype(path: string, after: After): this {
    return this.#add({ kind: "modify", path, before: this.before(path), after, aspects: ["type"] });
  }

  chmod(path: string, mode: number, place = path): this {
    const before = this.before(place);
    const state = { ...before.state, mode } as NodeState;
    return this.#add({
      kind: "modify",
      path,
      before,
      after: { state, content: undefined, timesSet: false, linkGroup: undefined },
      aspects: ["mode"],
    });
  }

  /** Other times for a directory, and another mode where one is given. */
  date(path: string, mtimeMs: number, mode?: number): this {
    const before = this.before(path);
    const changed = mode === undefined ? {} : { mode };
    const state = { ...before.state, mtimeNs: nsOf(mtimeMs), ...changed } as NodeState;
    const aspects = mode === undefined ? (["times"] as const) : (["mode", "times"] as const);
    return this.#add({ kind: "modify", path, before, after: dated(state), aspects });
  }

  /** A directory that moves and gets other times. */
  renameAndDate(from: string, path: string, mtimeMs: number): this {
    const before = this.before(from);
    const after = dated({ ...before.state, mtimeNs: nsOf(mtimeMs) });
    const aspects = ["times"] as const;
    return this.#add({ kind: "rename", path, from, before, after, aspects, replaced: undefined });
  }

  remove(path: string, place = path): this {
    return this.#add({ kind: "delete", path, before: this.before(place) });
  }

  rename(from: string, path: string, replaced?: string): this {
    const before = this.before(from);
    return this.#add({
      kind: "rename",
      path,
      from,
      before,
      after: { state: before.state, content: undefined, timesSet: false, linkGroup: undefined },
      aspects: [],
      replaced: replaced === undefined ? undefined : this.before(replaced),
    });
  }

  /** New bytes for a file that moves, as an overlay has it: it stays the same node. */
  moveAndWrite(from: string, path: string, content: string): this {
    const before = this.before(from);
    const mode = "mode" in before.state ? before.state.mode : 0o644;
    const after = fileAfter(content, { mode, sameNode: true });
    const aspects = ["content"] as const;
    return this.#add({ kind: "rename", path, from, before, after, aspects, replaced: undefined });
  }

  change(change: Change): this {
    return this.#add(change);
  }

  build(): ChangeSet {
    const changes = this.#changes.toSorted((a, b) => compareTreePaths(a.path, b.path));
    return { root: this.#root, changes };
  }

  before(path: string): Before {
    const place = `${this.#root}/${path}`;
    const stamp = disk.lstat(place);
    if (stamp === undefined) throw new Error(`nothing at ${place}`);
    const state = stateOf(stamp, stamp.kind === "symlink" ? disk.readlink(place) : undefined);
    if (state === undefined) throw new Error(`not to be committed: ${place}`);
    return { state, stamp };
  }

  #add(change: Change): this {
    this.#changes.push(change);
    return this;
  }
}

export function fileAfter(content: string | Uint8Array, wish: Wish = {}): After {
  const bytes = Buffer.from(content);
  const state = { kind: "file", ...meta(wish, 0o644), size: bytes.length, oid: undefined } as const;
  return finish(state, bufferContent(bytes), wish);
}

export function directoryAfter(wish: Wish = {}): After {
  return finish({ kind: "directory", ...meta(wish, 0o755) }, undefined, wish);
}

export function linkAfter(target: string, wish: Wish = {}): After {
  const { uid, gid, mtimeNs } = meta(wish, 0o777);
  return finish({ kind: "symlink", uid, gid, mtimeNs, target }, undefined, wish);
}

function meta(wish: Wish, mode: number) {
  return {
    mode: wish.mode ?? mode,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtimeNs: nsOf(wish.mtimeMs ?? 1_700_000_000_000),
  };
}

function nsOf(timeMs: number): bigint {
  return BigInt(timeMs) * 1_000_000n;
}

function dated(state: NodeState): After {
  return { state, content: undefined, timesSet: true, linkGroup: undefined };
}

function finish(state: NodeState, content: After["content"], wish: Wish): After {
  return {
    state,
    content,
    timesSet: wish.mtimeMs !== undefined,
    linkGroup: wish.group,
    ...(wish.sameNode === undefined ? {} : { sameNode: wish.sameNode }),
  };
}
