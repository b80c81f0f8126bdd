import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { type CommitStore, openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import type { CommitOptions } from "../../src/commit/options.ts";
import type { CommitReceipt } from "../../src/commit/receipt.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { type OverlayFs, openLayer } from "../../src/overlay/layer.ts";
import { runGit } from "../objects/store-fixture.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";

/** The real disk without waiting for the device, which these tests do not pull the plug of. */
export class HastyDisk extends NodeDisk {
  override fsync(): Promise<void> {
    return Promise.resolve();
  }

  override syncfs(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** A new directory, in memory where the system has such a place: these tests make hundreds. */
export function makeScratch(): string {
  return realpathSync(mkdtempSync(join(memoryDirectory(), "draftfs-history-")));
}

/** A root on the real disk with a checkpoint store, and the real git to judge that. */
export class HistoryFixture {
  readonly root = makeScratch();
  readonly state = stateDirectoryOf(this.root);
  store: CommitStore;

  constructor(disk: Disk = new HastyDisk()) {
    this.store = openCommitStore(disk, this.state);
  }

  /** The same root as another process would open it, perhaps on another disk. */
  reopen(disk: Disk = new HastyDisk()): CommitStore {
    this.store.objects.close();
    this.store = openCommitStore(disk, this.state);
    return this.store;
  }

  /** Makes changes in an overlay and commits them. */
  async commit(
    change: (fs: OverlayFs, at: (path: string) => string) => void,
    options: CommitOptions = {},
  ): Promise<CommitReceipt> {
    const layer = openLayer({ root: this.root });
    try {
      change(layer.fs, (path) => join(this.root, path));
      return await commitChangeSet(this.store, diffLayer(layer), {
        durability: "none",
        message: "change",
        author: "Test <test@example.org>",
        ...options,
      });
    } finally {
      layer.close();
    }
  }

  /** Commits whole texts; `undefined` deletes. */
  async write(
    files: Readonly<Record<string, string | undefined>>,
    message = "write",
  ): Promise<CommitReceipt> {
    return await this.commit(
      (fs, at) => {
        for (const [path, text] of Object.entries(files)) {
          if (text === undefined) fs.rmSync(at(path), { recursive: true });
          else {
            fs.mkdirSync(dirname(at(path)), { recursive: true });
            fs.writeFileSync(at(path), text);
          }
        }
      },
      { message },
    );
  }

  /** Writes past the overlay, as another program would. */
  edit(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  git(...args: readonly string[]): string {
    return runGit(["--git-dir", this.state.checkpoints, ...args]).toString("utf8");
  }

  /** Everything in the tree but the state directory; see {@link snapshotOf}. */
  snapshot(): Record<string, string> {
    return snapshotOf(this.root);
  }

  dispose(): void {
    this.store.objects.close();
    removeTree(this.root);
  }
}

/**
 * What lies in a tree, as text to compare: kind, mode, owner, content, and the time of files and
 * links to the microsecond. The time of a directory says only that something in it has changed.
 */
export function snapshotOf(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      if (path === "" && name === ".draftfs") continue;
      const at = join(path, name);
      const stats = lstatSync(join(root, at), { bigint: true });
      const owner = `${(stats.mode & 0o7777n).toString(8)} ${stats.uid}:${stats.gid}`;
      const time = stats.mtimeNs / 1000n;
      if (stats.isDirectory()) {
        found[`${at}/`] = owner;
        walk(at);
      } else if (stats.isSymbolicLink()) {
        found[at] = `-> ${readlinkSync(join(root, at))} ${stats.uid}:${stats.gid} ${time}`;
      } else {
        const bytes = readFileSync(join(root, at));
        const text = bytes.length > 200 ? `${bytes.length} bytes ${bytes.subarray(0, 50)}` : bytes;
        found[at] = `${owner} ${time} ${text}`;
      }
    }
  };
  walk("");
  return found;
}

/** Without the times, for trees whose files were written anew. */
export function withoutTimes(snapshot: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(snapshot).map(([path, text]) => [path, text.replace(/ \d{16} ?/, " ")]),
  );
}
