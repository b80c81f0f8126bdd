import { test } from "vitest";
import { canMountLayers } from "../../test/support/layered-root.ts";
import { checkInterruptions, layered, stiff } from "./interrupted.ts";

test("whatever is committed, and wherever it is cut off: all of it or nothing", async () => {
  await checkInterruptions(5000, 90_000);
});

test("all of it or nothing where no directory can be renamed, and the same as elsewhere", async () => {
  await checkInterruptions(5000, 60_000, stiff);
}, 120_000);

test.runIf(canMountLayers())(
  "all of it or nothing on an overlayfs",
  async () => {
    await checkInterruptions(5000, 60_000, layered);
  },
  120_000,
);
