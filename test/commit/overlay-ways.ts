import { openOverlay } from "../../src/api/open-overlay.ts";
import type { Overlay } from "../../src/api/overlay.ts";

/** What is pending, in the same process, and in one that finds the draft `main` saved. */
export const overlayWays = {
  "an overlay": async (overlay: Overlay) => overlay,
  "a draft": async (overlay: Overlay) => {
    const { root } = overlay;
    await overlay.saveDraft();
    await overlay.close();
    return await openOverlay(root, { draft: "main" });
  },
} as const;
