import { test } from "vitest";
import { checkProcesses } from "./processes.ts";

test("processes over one root, killed or stopped anywhere, never lose what another has written", async () => {
  await checkProcesses(400, 300_000);
});
