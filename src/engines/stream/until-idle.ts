import type { EngineOverlay } from "../overlay-port.ts";

/** Waits for a commit that is being carried out: until it is over nothing can be changed. */
export async function untilIdle(overlay: EngineOverlay): Promise<void> {
  for (let { idle } = overlay; idle !== undefined; idle = overlay.idle) await idle;
}
