import type { TestAPI } from "vitest";
import { findOuterRoot, withoutLinks } from "../disk/state/find-root.ts";
import { type OpenOverlayOptions, type Overlay, type OverlayFs, openOverlay } from "../index.ts";
import { putUnder } from "./current-overlay.ts";

/** What a test of `overlayTest` can ask for. */
export interface OverlayFixtures {
  /** The overlay of this test file, as it was before any test changed it. */
  readonly overlay: Overlay;
  /** Its merged tree in the shape of `node:fs`. */
  readonly fs: OverlayFs;
}

/**
 * `overlayTest` of `draftfs/vitest`.
 *
 * @param test that of the vitest that runs the tests: a linked package would find its own one.
 */
export function overlayTestBy(
  test: TestAPI,
  root: string,
  options: OpenOverlayOptions = {},
): TestAPI<OverlayFixtures> {
  return test.extend<OverlayFixtures & { readonly openedOverlay: Overlay }>({
    openedOverlay: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads the needed fixtures from it.
      async ({}, use) => {
        // Whether the project is a root itself on this machine must not matter to its tests.
        const isNested = findOuterRoot(withoutLinks(root)) !== undefined;
        const overlay = await openOverlay(root, { force: isNested, ...options });
        await use(overlay);
        await overlay.close();
      },
      { scope: "file" },
    ],
    overlay: [
      async ({ openedOverlay }, use) => {
        refuseSecond(openedOverlay);
        const savepoint = openedOverlay.savepoint();
        const takeAway = putUnder({ fs: openedOverlay.fs, root: openedOverlay.root });
        try {
          await use(openedOverlay);
        } finally {
          takeAway();
          openedOverlay.rollback(savepoint);
          inUse.delete(openedOverlay);
        }
      },
      { auto: true },
    ],
    fs: async ({ overlay }, use) => use(overlay.fs),
  }) as unknown as TestAPI<OverlayFixtures>;
}

/** Overlays over which a test runs. */
const inUse = new WeakSet<Overlay>();

/** Two at a time would take back what the other one has changed. */
function refuseSecond(overlay: Overlay): void {
  if (inUse.has(overlay)) {
    throw new Error(
      "Another test still runs over the overlay of this file, which takes one at a time. Do not " +
        "make its tests concurrent (test.concurrent, describe.concurrent, sequence.concurrent).",
    );
  }
  inUse.add(overlay);
}
