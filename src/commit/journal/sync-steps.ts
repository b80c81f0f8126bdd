import { closeQuietly } from "../../disk/close-quietly.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { absoluteOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import { batchFilesMax } from "../../limits.ts";
import type { CommitStore } from "../commit-store.ts";
import type { Step } from "../plan/step.ts";

/**
 * Where a system has no syncfs: makes durable, one by one, every file that the record in force put
 * in place, then every directory whose names it changed, and the checkpoint store.
 */
export async function syncSteps(store: CommitStore): Promise<void> {
  const record = store.journal.read();
  if (record === undefined) return;
  const { root, checkpoints } = store.state;
  const files = new Set<TreePath>();
  const directories = new Set<TreePath>([""]);
  for (const step of record.steps) collect(step, files, directories);
  await syncAll(
    store,
    [...files].map((path) => absoluteOf(root, path)),
  );
  await syncAll(
    store,
    [...directories].map((path) => absoluteOf(root, path)),
  );
  const packs = `${checkpoints}/objects/pack`;
  const names = store.disk.lstat(packs) === undefined ? [] : store.disk.readdir(packs);
  const refs = record.refs.map(({ name }) => `${checkpoints}/${name}`);
  await syncAll(store, [...names.map(({ name }) => `${packs}/${name}`), ...refs]);
  await syncAll(store, [packs, ...refs.map(parentOf), store.state.journal, store.state.path]);
}

function collect(step: Step, files: Set<TreePath>, directories: Set<TreePath>): void {
  directories.add(parentOf(step.path));
  switch (step.kind) {
    case "install":
      if (step.node.kind === "file") files.add(step.path);
      return;
    case "link":
    case "write":
      files.add(step.path);
      return;
    case "attributes":
      if (step.after.kind === "file") files.add(step.path);
      if (step.after.kind === "directory") directories.add(step.path);
      return;
    case "mkdir":
      directories.add(step.path);
      return;
    case "move":
      directories.add(parentOf(step.from));
      return;
    case "park":
    case "remove":
      return;
  }
}

/** Some of the paths are places of the old tree, gone by now: then there is nothing to sync. */
async function syncAll({ disk }: CommitStore, paths: readonly string[]): Promise<void> {
  for (let start = 0; start < paths.length; start += batchFilesMax) {
    const batch = paths.slice(start, start + batchFilesMax);
    const results = await Promise.allSettled(batch.map((path) => syncPath(path)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async function syncPath(path: string): Promise<void> {
    const kind = disk.lstat(path)?.kind;
    if (kind !== "file" && kind !== "directory") return;
    const flags = kind === "directory" ? openFlags.readDirectory : openFlags.read;
    const descriptor = disk.open(path, flags);
    try {
      await disk.fsync(descriptor);
    } finally {
      closeQuietly(disk, descriptor);
    }
  }
}
