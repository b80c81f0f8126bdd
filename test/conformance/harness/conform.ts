import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryDirectory } from "../../support/memory-directory.ts";
import { removeTree } from "../../support/remove-tree.ts";
import { differencesOf, type Outcome } from "./difference.ts";
import type { Scenario, VariantName } from "./scenario.ts";
import { plantReal, plantVariant, variantNames } from "./variants.ts";
import { clockTickMs, runIn, type World } from "./world.ts";

/**
 * Which variants run: `plain` is a fresh overlay, `few` that and, for every second
 * scenario, one other variant by turns, `rest` those that `few` leaves out.
 */
export type Breadth = "plain" | "few" | "rest";

/**
 * Registers a differential test for every scenario and variant: the program runs on a real
 * directory and on an overlay, and everything that it saw and left must be the same.
 */
export function conform(
  concern: string,
  scenarios: readonly Scenario[],
  breadth: Breadth = "few",
): void {
  describe(concern, () => {
    let scratch = "";
    let markerNs = 0n;
    /** Calls whose outcome was compared. */
    let callsCount = 0;
    const worlds = new Map<string, World>();
    const references = new Map<Scenario, Promise<Outcome>>();

    beforeAll(async () => {
      // The quick tests meet an ordinary file system. What the others vary, how an overlay came to be
      // and by whom it is used, lies above the disk: their thousands of trees are planted in memory.
      const parent = breadth === "few" ? tmpdir() : memoryDirectory();
      scratch = nodeFs.realpathSync(nodeFs.mkdtempSync(join(parent, "draftfs-conform-")));
      nodeFs.chmodSync(scratch, 0o755);
      for (const [index, scenario] of scenarios.entries()) {
        // All homes have names of one length: sizes of absolute links must agree.
        const home = (variant: string) => join(scratch, `${1000 + index}${variant.slice(0, 4)}`);
        worlds.set(`${scenario.name}|real`, plantReal(home("real"), scenario));
        for (const variant of variantsFor(scenario, index, breadth)) {
          worlds.set(`${scenario.name}|${variant}`, plantVariant(variant, home(variant), scenario));
        }
      }
      await sleep(clockTickMs);
      markerNs = BigInt(Date.now()) * 1_000_000n;
      await sleep(clockTickMs);
    });

    afterAll(() => {
      for (const world of worlds.values()) world.close?.();
      removeTree(scratch);
      if (breadth === "rest") console.log(`${concern}: ${callsCount} calls compared`);
    });

    const referenceOf = (scenario: Scenario): Promise<Outcome> => {
      const known = references.get(scenario);
      if (known) return known;
      const outcome = runIn(worldOf(scenario, "real"), scenario, markerNs);
      references.set(scenario, outcome);
      return outcome;
    };
    const worldOf = (scenario: Scenario, variant: string): World => {
      const world = worlds.get(`${scenario.name}|${variant}`);
      if (!world) throw new Error(`No world for ${scenario.name} (${variant})`);
      return world;
    };

    for (const [index, scenario] of scenarios.entries()) {
      for (const variant of variantsFor(scenario, index, breadth)) {
        test(`${scenario.name} [${variant}]`, async () => {
          const expected = await referenceOf(scenario);
          const got = await runIn(worldOf(scenario, variant), scenario, markerNs);
          callsCount += got.steps.length;
          expect(differencesOf(expected, got)).toEqual([]);
        });
      }
    }
  });
}

function variantsFor(scenario: Scenario, index: number, breadth: Breadth): VariantName[] {
  const possible = variantNames.filter((variant) => skipOf(scenario, variant) === undefined);
  if (breadth === "plain") return possible.filter((variant) => variant === "plain");
  const others = possible.filter((variant) => variant !== "plain");
  const turn = index % 2 === 0 ? others[(index / 2) % Math.max(1, others.length)] : undefined;
  const few = possible.filter((variant) => variant === "plain" || variant === turn);
  return breadth === "few" ? few : possible.filter((variant) => !few.includes(variant));
}

/** A unionfs over a memfs volume cannot do what memfs cannot. */
function skipOf({ skip }: Scenario, variant: VariantName): string | undefined {
  return skip[variant] ?? (variant === "unionfs" ? skip.memfs : undefined);
}
