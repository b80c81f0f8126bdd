import { test } from "vitest";
import { checkTwoOverlays } from "./two-overlays.ts";

test("two overlays over one root never lose what the other one, or somebody else, has written", async () => {
  await checkTwoOverlays(300, 600_000);
});
