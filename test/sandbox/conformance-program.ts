import fs from "node:fs";
import { join } from "node:path";
import { serialize } from "node:v8";
import type { Outcome } from "../conformance/harness/difference.ts";
import { runIn } from "../conformance/harness/world.ts";
import { concerns } from "../conformance/scenarios/concerns.ts";

/**
 * Runs every conformance scenario with plain `node:fs` on trees that were planted before, and writes
 * what it saw to a file beside them: run on a disk and inside of a sandbox, it must see the same.
 */
const [home = "", markerNs = "0", users = ""] = process.argv.slice(2);
const outcomes: Record<string, Outcome | { readonly thrown: string }> = {};
for (const [concern, scenarios] of Object.entries(concerns)) {
  for (const [index, scenario] of scenarios.entries()) {
    if (scenario.uid !== undefined && users !== "users") continue;
    const place = join(home, concern.replaceAll(" ", "-"), String(1000 + index));
    const world = { fs, root: join(place, "root"), outside: join(place, "outside") };
    const name = `${concern}: ${scenario.name}`;
    try {
      outcomes[name] = await runIn(world, scenario, BigInt(markerNs));
    } catch (error) {
      outcomes[name] = { thrown: String(error) };
    }
  }
}
fs.writeFileSync(join(home, "outcomes"), serialize(outcomes));
