import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  writeSync,
} from "node:fs";
import { dataPiecesOf } from "../../disk/data-pieces.ts";
import { timeOf } from "../../disk/node/node-time.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import type { Content, NodeMeta } from "../../overlay/pending/pending.ts";
import type { PinnedTree } from "./pinned-tree.ts";

const { O_CREAT, O_EXCL, O_NONBLOCK, O_TRUNC, O_WRONLY } = constants;

/** What has to be done beside the writing of a file. */
interface PushNotices {
  /** Takes away what lies at a path. */
  clear(path: TreePath): void;
  /** A name has come at a path. */
  disturb(path: TreePath): void;
}

/** Writes files of the layer into the view of a namespace. */
export class PushedFiles {
  readonly #target: { readonly view: PinnedTree; readonly mayChangeOwner: boolean };
  readonly #notices: PushNotices;

  constructor(target: { view: PinnedTree; mayChangeOwner: boolean }, notices: PushNotices) {
    this.#target = target;
    this.#notices = notices;
  }

  /** Writes into the file that is there, as `writeFile` does, so that watchers and links see it. */
  write(path: TreePath, content: Content, meta: NodeMeta): void {
    const { mayChangeOwner } = this.#target;
    const descriptor = this.#create(path) ?? this.#overwrite(path);
    try {
      let end = 0;
      for (const { bytes, position } of dataPiecesOf(content)) {
        writeAll(descriptor, bytes, position);
        end = position + bytes.length;
      }
      if (end < content.size) ftruncateSync(descriptor, content.size);
      if (mayChangeOwner) fchownSync(descriptor, meta.uid, meta.gid);
      // After the owner, whose change takes setuid away, and before the times.
      fchmodSync(descriptor, meta.mode);
      futimesSync(descriptor, timeOf(meta.atimeNs), timeOf(meta.mtimeNs));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Opens a new file; `undefined` where something lies already. */
  #create(path: TreePath): number | undefined {
    try {
      const descriptor = this.#target.view.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600);
      this.#notices.disturb(path);
      return descriptor;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
      throw error;
    }
  }

  #overwrite(path: TreePath): number {
    const { view } = this.#target;
    const found = view.lstat(path);
    if (found?.isFile() === true) {
      if ((Number(found.mode) & 0o200) === 0) view.chmod(path, 0o600);
      return this.#openRegular(path);
    }
    this.#notices.clear(path);
    this.#notices.disturb(path);
    return view.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  }

  /** A running command may have put a fifo there, which would make us wait for its reader. */
  #openRegular(path: TreePath): number {
    const descriptor = this.#target.view.open(path, O_WRONLY | O_TRUNC | O_NONBLOCK);
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
    throw Object.assign(new Error(`no file any more: ${path}`), { code: "EEXIST" });
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    const length = bytes.length - written;
    written += writeSync(descriptor, bytes, written, length, position + written);
  }
}
