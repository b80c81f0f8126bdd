import { expect, test } from "vitest";
import { variantNames } from "./harness/variants.ts";
import { concerns } from "./scenarios/concerns.ts";

const scenarios = Object.values(concerns).flat();

test("at least three hundred scenarios, each with a name of its own", () => {
  const variants = variantNames.map((variant) => {
    const count = scenarios.filter(({ skip }) => skip[variant] === undefined).length;
    return `${variant} ${count}`;
  });
  console.log(`${scenarios.length} scenarios: ${variants.join(", ")}`);
  expect(scenarios.length).toBeGreaterThanOrEqual(300);
  for (const [concern, list] of Object.entries(concerns)) {
    const names = list.map((scenario) => scenario.name);
    expect(new Set(names).size, concern).toBe(names.length);
  }
});

test("a scenario that skips a variant says why", () => {
  for (const { skip } of scenarios) {
    for (const reason of Object.values(skip)) expect(reason.length).toBeGreaterThan(10);
  }
});
