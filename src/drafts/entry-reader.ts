import type { Disk } from "../disk/disk.ts";
import { absoluteOf } from "../disk/tree-path.ts";
import type { Adoptable } from "../overlay/layer.ts";
import type { Content, LowerNode } from "../overlay/pending/pending.ts";
import type { DraftEntry, StoredContent } from "./draft-index.ts";
import { type ContentFiles, lowerBytes, StoredBytes } from "./stored-content.ts";

type Extent = Extract<StoredContent, { kind: "stored" }>;

/** A device that has another number now than when the draft was saved. */
export interface DeviceChange {
  readonly from: bigint;
  readonly to: bigint;
}

/** Turns saved entries into what a layer adopts; no content is read. */
export class EntryReader {
  private readonly disk: Disk;
  private readonly root: string;
  private readonly files: ContentFiles;
  private readonly device: DeviceChange | undefined;
  private readonly stored: (content: Content, extent: Extent) => void;

  /**
   * @param stored - told of every content that the draft holds and where.
   */
  constructor(options: {
    readonly disk: Disk;
    readonly root: string;
    readonly files: ContentFiles;
    readonly device: DeviceChange | undefined;
    readonly stored: (content: Content, extent: Extent) => void;
  }) {
    this.disk = options.disk;
    this.root = options.root;
    this.files = options.files;
    this.device = options.device;
    this.stored = options.stored;
  }

  adoptableOf(entry: DraftEntry): Adoptable {
    // Nothing is said outright: otherwise the layer would take what lies there today for the base.
    const base = this.renumbered(entry.base) ?? null;
    const { path } = entry;
    if (entry.kind === "whiteout") return { kind: "whiteout", path, base };
    const { meta, timesSet } = entry;
    const node = { path, meta, timesSet, base, origin: this.renumbered(entry.origin) };
    switch (entry.kind) {
      case "file": {
        const ino = entry.link === undefined ? undefined : BigInt(entry.link);
        const content = this.contentOf(entry.content);
        return { kind: "file", ...node, ino, content, isLasting: true };
      }
      case "directory": {
        // A new directory stays new, even if the lower has got one of that name since.
        const isNew = entry.base === undefined && entry.redirect === undefined;
        const opaque = entry.opaque || isNew;
        return { kind: "directory", ...node, opaque, redirect: entry.redirect };
      }
      case "symlink":
        return { kind: "symlink", ...node, target: entry.target };
      case "other":
        return { kind: "other", ...node };
    }
  }

  private contentOf(stored: StoredContent): Content {
    if (stored.kind === "lower") {
      const node = this.renumbered(stored.node) ?? stored.node;
      return lowerBytes(this.disk, absoluteOf(this.root, node.path), node);
    }
    const content = new StoredBytes(this.files, stored);
    this.stored(content, stored);
    return content;
  }

  private renumbered(node: LowerNode | undefined): LowerNode | undefined {
    const { device } = this;
    if (node === undefined || device === undefined || node.stamp.dev !== device.from) return node;
    return { ...node, stamp: { ...node.stamp, dev: device.to } };
  }
}
