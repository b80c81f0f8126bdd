import { describe, expect, it } from "vitest";
import { ListingHabits } from "../../../src/sandbox/fuse/listing-habits.ts";

const find = 100;
const list = 200;

describe("who wants attributes with the names of a directory", () => {
  it("is everybody in the first one, and nobody later who looks at none", () => {
    const habits = new ListingHabits();
    const wishes = [1n, 2n, 3n].map((node) => habits.wantsAttributes(find, node, 100));
    expect(wishes).toEqual([true, false, false]);
  });

  it("is whoever, or whoever works for him, looks at what he has listed", () => {
    const habits = new ListingHabits();
    for (const node of [1n, 2n]) habits.wantsAttributes(list, node, 10);
    for (let name = 0; name < 10; name++) habits.noteLookup(2n);
    expect(habits.wantsAttributes(list, 3n, 10)).toBe(true);
  });

  it("is nobody who looks at a few of them only", () => {
    const habits = new ListingHabits();
    for (const node of [1n, 2n]) habits.wantsAttributes(list, node, 1000);
    for (let name = 0; name < 10; name++) habits.noteLookup(2n);
    expect(habits.wantsAttributes(list, 3n, 10)).toBe(false);
  });

  it("is not decided by what others look at, or in directories that were told whole", () => {
    const habits = new ListingHabits();
    habits.wantsAttributes(find, 1n, 10);
    habits.wantsAttributes(list, 2n, 10);
    for (let name = 0; name < 10; name++) {
      habits.noteLookup(1n);
      habits.noteLookup(2n);
      habits.noteLookup(9n);
    }
    expect(habits.wantsAttributes(find, 3n, 10)).toBe(false);
    expect(habits.wantsAttributes(list, 4n, 10)).toBe(false);
  });

  it("is remembered of so many threads and directories only", () => {
    const habits = new ListingHabits();
    habits.wantsAttributes(find, 1n, 10);
    for (let thread = 0; thread < 5000; thread++) habits.wantsAttributes(1000 + thread, 2n, 10);
    // As one that has never been seen.
    expect(habits.wantsAttributes(find, 3n, 10)).toBe(true);
  });
});
