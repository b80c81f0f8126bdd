import { basename } from "node:path";

/**
 * What `CompiledProject` has as files of their own: programs, and modules that tests import as plain
 * JavaScript. All of them lie side by side, as the files of `dist` do, so each has a name of its own.
 */
export const compiledSources = [
  "bench/commit/contestant.ts",
  "bench/commit/killed-commit.ts",
  "bench/commit/large-file-commit.ts",
  "bench/commit/method-program.ts",
  "bench/commit/opening.ts",
  "bench/commit/recovering.ts",
  "bench/commit/run.ts",
  "property-tests/processes/process-worker.ts",
  "src/commit/commit-store.ts",
  "src/commit/commit.ts",
  "src/commit/lock/lock.ts",
  "src/disk/background/background-files.ts",
  "src/disk/background/background-program.ts",
  "src/disk/names.ts",
  "src/disk/node/node-disk.ts",
  "src/disk/state/state-directory.ts",
  "src/index.ts",
  "src/sandbox/fuse/notice-program.ts",
  "src/sandbox/fuse/server-main.ts",
  "src/vitest/index.ts",
  "src/vitest/unmocked.ts",
  "test/commit/change-builder.ts",
  "test/crash/block/block-device-owner.ts",
  "test/crash/block/main.ts",
  "test/crash/commit-worker.ts",
  "test/crash/history-victim.ts",
  "test/crash/kills/fork-server-program.ts",
  "test/crash/recover-worker.ts",
  "test/sandbox/conformance-program.ts",
  "test/sandbox/session-program.ts",
] as const;

export type CompiledSource = (typeof compiledSources)[number];

/** What the file of a source is called, without extension; an index is named after its folder. */
export function compiledNameOf(source: CompiledSource): string {
  return basename(source.replace(/\/index\.ts$/, ".ts"), ".ts");
}
