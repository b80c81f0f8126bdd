import { conform } from "./harness/conform.ts";
import { concerns } from "./scenarios/concerns.ts";

// Each scenario in every variant; `*.test.ts` runs each in two of them.
for (const [concern, scenarios] of Object.entries(concerns)) conform(concern, scenarios, "all");
