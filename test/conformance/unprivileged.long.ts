import { conform } from "./harness/conform.ts";
import type { Scenario } from "./harness/scenario.ts";
import { concerns } from "./scenarios/concerns.ts";

/** A user that is nobody on any system. */
const someone = 31_415;

// Whoever is not root has run all of these as himself already.
if (process.geteuid?.() === 0) {
  for (const [concern, scenarios] of Object.entries(concerns)) {
    const asSomeone = scenarios
      .filter(({ uid }) => uid === undefined)
      .map((one): Scenario => ({ ...one, uid: someone }));
    if (asSomeone.length > 0) conform(`${concern}, for a user who is not root`, asSomeone, "plain");
  }
} else conform("files, for this user", concerns["files"] ?? [], "plain");
