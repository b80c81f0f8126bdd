import { test } from "vitest";
import { checkInterruptions } from "./interrupted.ts";

test("whatever is committed, and wherever it is cut off: all of it or nothing", async () => {
  await checkInterruptions(5000, 90_000);
});
