/**
 * `draftfs/vitest`: an overlay for each test, also under code that imports `node:fs`.
 *
 * vitest processes this package like the code under test where it is linked (`npm link`) or inlined
 * (`server.deps.inline`). Then `node:fs` is the mock for it as well, which waits for what makes it
 * to be loaded: for this package. So what needs the real one is loaded past vitest.
 */
import { type TestAPI, test } from "vitest";
import type { OpenOverlayOptions } from "../index.ts";
import type { FsModule, FsPromisesModule } from "./fs-module.ts";
import type { OverlayFixtures } from "./overlay-test.ts";

export type { FsModule, FsPromisesModule } from "./fs-module.ts";
export type { OverlayFixtures } from "./overlay-test.ts";

/** Only vite gives modules an environment. */
const isProcessed = "env" in import.meta;
const unmocked = isProcessed
  ? await importedByNode(new URL("./unmocked.js", import.meta.url))
  : await import("./unmocked.ts");

/** A module of type `data:` is left to Node, and so is what it imports in turn. */
async function importedByNode(url: URL): Promise<typeof import("./unmocked.ts")> {
  const importer = "data:text/javascript,export const load = (url) => import(url);";
  const { load } = (await import(importer)) as {
    readonly load: (url: string) => Promise<typeof import("./unmocked.ts")>;
  };
  return load(url.href);
}

/**
 * What `vi.mock("node:fs", …)` returns: every call on a path below the root of the running test's
 * overlay goes to the overlay, every other call, and all calls outside of a test, to the disk.
 *
 * @example
 * vi.mock("node:fs", async () => (await import("draftfs/vitest")).fsModule());
 */
export function fsModule(): FsModule {
  return unmocked.fsModule();
}

/** Like {@link fsModule}, for `vi.mock("node:fs/promises", …)`. */
export function fsPromisesModule(): FsPromisesModule {
  return unmocked.fsPromisesModule();
}

/**
 * A `test` that runs over an overlay of `root`: every test starts from the tree as it lies on the
 * disk, changes what it likes, and leaves nothing behind.
 *
 * One overlay is opened for each test file; each test gets a savepoint that is rolled back when it
 * is over, which costs as much as it changed. While a test runs its overlay also lies under the
 * modules of {@link fsModule}. Call it at the top level of a test file, not inside of `describe`.
 * Tests of one file share the overlay: do not make them concurrent.
 *
 * @param root directory to work over; it is only read, unless a test commits.
 */
export function overlayTest(
  root: string,
  options: OpenOverlayOptions = {},
): TestAPI<OverlayFixtures> {
  return unmocked.overlayTestBy(test, root, options);
}
