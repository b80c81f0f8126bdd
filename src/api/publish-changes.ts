import type { ChangeSet } from "../commit/change-set/change-set.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { commitResolving, type Resolver } from "../commit/conflict/commit-resolving.ts";
import type { CommitOptions } from "../commit/options.ts";
import { prepareCommit } from "../commit/prepare.ts";
import type { CommitReceipt } from "../commit/receipt.ts";
import type { Layer } from "../overlay/layer.ts";
import { checkReads } from "./read-set.ts";
import { touchedPaths } from "./touched-places.ts";

/**
 * Commits changes of a layer. Under the lock, after everything that was written: what was only read
 * must be as it was.
 *
 * @param resolver decides conflicts; without one they are errors.
 */
export async function publishChanges(
  store: CommitStore,
  layer: Layer,
  changeSet: ChangeSet,
  options: CommitOptions,
  resolver: Resolver | undefined,
): Promise<CommitReceipt> {
  if (resolver !== undefined) {
    const beforePublish = () => checkReadsBeside(store, layer, changeSet);
    return await commitResolving(store, changeSet, resolver, { ...options, beforePublish });
  }
  await using prepared = await prepareCommit(store, changeSet, options);
  checkReads(store.disk, layer.root, layer.observed());
  return await prepared.publish();
}

/** Where something was written too, the resolver has decided. */
function checkReadsBeside({ disk }: CommitStore, layer: Layer, changeSet: ChangeSet): void {
  const written = new Set(touchedPaths(changeSet));
  const readOnly = [...layer.observed()].filter(({ path }) => !written.has(path));
  checkReads(disk, layer.root, readOnly);
}
