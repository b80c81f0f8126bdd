import type { ManifestChange, ManifestFile, ManifestNode } from "../commit/checkpoint/manifest.ts";
import { type Checkpoint, checkpoints } from "../commit/checkpoint/operation-log.ts";
import { keptBytesMax, keptOperations } from "../limits.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";

/** How much history to keep. */
export interface Retention {
  /** Operations that can still be undone; 10 by default. */
  readonly operations?: number;
  /** Bytes of their recorded content, before compression; 2 GiB by default. */
  readonly bytes?: number;
}

/** What a retention keeps. */
export interface KeptHistory {
  /** Newest first; never empty unless there is no operation at all. */
  readonly kept: readonly Checkpoint[];
  readonly pruned: number;
  /** Content outside of the packs that a kept operation may need. */
  readonly large: ReadonlySet<ObjectId>;
}

/** Chooses the operations to keep: the newest ones, as many as both limits allow, at least one. */
export function keptHistory(store: ObjectStore, retention: Retention = {}): KeptHistory {
  const operations = Math.max(1, retention.operations ?? keptOperations);
  const bytesMax = retention.bytes ?? keptBytesMax;
  const kept: Checkpoint[] = [];
  const sizes = new Map<ObjectId, number>();
  const large = new Set<ObjectId>();
  let bytes = 0;
  let pruned = 0;
  for (const checkpoint of checkpoints(store)) {
    const files = filesOf(checkpoint.manifest.changes).filter(({ oid }) => !sizes.has(oid));
    const added = new Map(files.map((file) => [file.oid, file.size]));
    const size = [...added.values()].reduce((sum, each) => sum + each, 0);
    const isKept = pruned === 0 && kept.length < operations && bytes + size <= bytesMax;
    if (!isKept && kept.length > 0) {
      pruned += 1;
      continue;
    }
    kept.push(checkpoint);
    bytes += size;
    for (const [oid, each] of added) sizes.set(oid, each);
    for (const file of files) if (file.stored === "large") large.add(file.oid);
  }
  return { kept, pruned, large };
}

/** Every file that a manifest describes, before and after. */
export function filesOf(changes: readonly ManifestChange[]): ManifestFile[] {
  return changes.flatMap(nodesOf).filter((node) => node.kind === "file");
}

function nodesOf(change: ManifestChange): ManifestNode[] {
  switch (change.kind) {
    case "create":
      return [change.after];
    case "delete":
      return [change.before];
    case "modify":
      return [change.before, change.after];
    case "rename":
      return [change.before, change.after, ...(change.replaced === null ? [] : [change.replaced])];
  }
}
