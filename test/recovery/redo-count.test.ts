import { afterEach, beforeEach, expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { collectGarbage } from "../../src/recovery/collect-garbage.ts";
import { planRedo, planUndo } from "../../src/recovery/recovery-plan.ts";
import { redo, undo } from "../../src/recovery/take-back.ts";
import { fc } from "../support/properties.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

/** Commits that each write to a shared file and make, move or delete another. */
async function commitThree(): Promise<string[]> {
  const states = [JSON.stringify(fixture.snapshot())];
  const changes: Parameters<HistoryFixture["write"]>[0][] = [
    { shared: "1", "made/1": "one" },
    { shared: "2", "made/2": "two", "made/1": undefined },
    { shared: "3", "made/1": "again" },
  ];
  for (const [index, files] of changes.entries()) {
    await fixture.write(files, `change ${index + 1}`);
    states.push(JSON.stringify(fixture.snapshot()));
  }
  return states;
}

function state(): string {
  return JSON.stringify(fixture.snapshot());
}

test("redo brings back as many operations as it is told, the oldest first", async () => {
  const states = await commitThree();
  await undo(fixture.store, { count: 3 });
  expect(state()).toBe(states[0]);
  await redo(fixture.store, { count: 2 });
  expect(state()).toBe(states[2]);
  await undo(fixture.store);
  expect(state()).toBe(states[1]);
  await redo(fixture.store);
  expect(state()).toBe(states[2]);
  await redo(fixture.store, { count: 1 });
  expect(state()).toBe(states[3]);
  await expect(redo(fixture.store, { count: 1 })).rejects.toMatchObject({
    code: "DRAFT_CHECKPOINT_MISSING",
    message: expect.stringContaining("nothing can be brought back"),
  });
  await undo(fixture.store, { count: 3 });
  expect(state()).toBe(states[0]);
});

test("redo without a number brings back the rest of what the last undo took back", async () => {
  const states = await commitThree();
  await undo(fixture.store, { count: 3 });
  await redo(fixture.store, { count: 1 });
  expect(state()).toBe(states[1]);
  await redo(fixture.store);
  expect(state()).toBe(states[3]);
});

test("redo counts operations over several undos", async () => {
  const states = await commitThree();
  await undo(fixture.store);
  await undo(fixture.store, { count: 2 });
  const { message, concerns } = planRedo(fixture.store, { count: 3 });
  expect([message, concerns.length]).toEqual(["Redo 3 operations", 3]);
  await redo(fixture.store, { count: 3 });
  expect(state()).toBe(states[3]);
  const [newest] = checkpoints(fixture.store.objects);
  expect(newest?.manifest.concerns).toEqual(concerns);
});

test("undo and redo name what they are about, however often it went back and forth", async () => {
  await commitThree();
  for (let round = 0; round < 2; round++) {
    await undo(fixture.store);
    expect(planRedo(fixture.store).message).toBe("Redo operation 3: change 3");
    await redo(fixture.store);
    const [newest] = checkpoints(fixture.store.objects);
    const back = planUndo(fixture.store, { checkpoint: newest?.id ?? "" });
    expect(back.message).toBe("Undo operation 3: change 3");
  }
  await undo(fixture.store, { count: 2 });
  expect(planRedo(fixture.store).message).toBe("Redo 2 operations");
});

test("redo names a single operation, and says how many there are", async () => {
  await commitThree();
  await undo(fixture.store, { count: 2 });
  expect(planRedo(fixture.store, { count: 1 }).message).toBe("Redo operation 2: change 2");
  await expect(redo(fixture.store, { count: 3 })).rejects.toMatchObject({
    message: expect.stringContaining("only 2 can be brought back"),
  });
  await fixture.write({ other: "x" });
  await expect(redo(fixture.store, { count: 1 })).rejects.toMatchObject({
    message: expect.stringContaining("nothing can be brought back"),
  });
});

test("what was undone by name, and brought back by name, does not get lost", async () => {
  await fixture.write({ a: "1" });
  const second = await fixture.write({ b: "2" });
  await fixture.write({ c: "3" });
  const gone = await undo(fixture.store, { checkpoint: second.operation });
  await undo(fixture.store);
  // The redo of the older one of the two, by the name of its undo.
  await undo(fixture.store, { checkpoint: gone.operation });
  expect(Object.keys(fixture.snapshot())).toEqual(["a", "b"]);
  await redo(fixture.store, { count: 1 });
  expect(Object.keys(fixture.snapshot())).toEqual(["a", "b", "c"]);
});

test("a redo of some stops where another program has written meanwhile", async () => {
  await commitThree();
  await undo(fixture.store, { count: 3 });
  fixture.edit("made/1", "theirs");
  await expect(redo(fixture.store, { count: 1 })).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  expect(fixture.read("made/1")).toBe("theirs");
});

/** What an editor would do: everything is a line of states, and a place in it. */
class Model {
  readonly states: string[] = [];
  at = 0;
  /** For each state beyond the place, which undo has taken it. */
  undoneBy: number[] = [];
}

const turn = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), file: fc.constantFrom("a", "b", "d/c") }),
  fc.record({ kind: fc.constant("undo" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("redo" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.constant({ kind: "redo" as const, count: undefined }),
);

test("any sequence of commits, undos and redos leads where it does in an editor", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 4, maxLength: 14 }), async (turns) => {
      const own = new HistoryFixture();
      try {
        const model = new Model();
        model.states.push(JSON.stringify(own.snapshot()));
        for (const [number, one] of turns.entries()) {
          if (one.kind === "write") {
            await own.write({ [one.file]: `${number}` });
            model.states.splice(model.at + 1);
            model.undoneBy.splice(model.at + 1);
            model.states.push(JSON.stringify(own.snapshot()));
            model.at += 1;
          } else if (one.kind === "undo") {
            if (one.count > model.at) {
              await expect(undo(own.store, one)).rejects.toThrow(/undo/);
              continue;
            }
            await undo(own.store, { count: one.count });
            for (let index = 0; index < one.count; index++) {
              model.undoneBy[model.at - index] = number;
            }
            model.at -= one.count;
          } else {
            const left = model.states.length - 1 - model.at;
            const by = model.undoneBy[model.at + 1];
            const all = model.undoneBy.slice(model.at + 1).findIndex((each) => each !== by);
            const count = one.count ?? (left === 0 ? 1 : all < 0 ? left : all);
            const request = one.count === undefined ? {} : { count };
            if (count > left) {
              await expect(redo(own.store, request)).rejects.toThrow(/redo/);
              continue;
            }
            await redo(own.store, request);
            model.at += count;
          }
          expect(JSON.stringify(own.snapshot())).toBe(model.states[model.at]);
        }
      } finally {
        own.dispose();
      }
    }),
    { numRuns: 15 },
  );
});

test("what was brought back is undone although the operation itself has been forgotten", async () => {
  await fixture.write({ a: "1" });
  await fixture.write({ a: "2" }, "forgotten");
  for (let turn = 0; turn < 2; turn++) {
    await undo(fixture.store);
    await redo(fixture.store);
  }
  await collectGarbage(fixture.store, { operations: 3 });
  await undo(fixture.store);
  expect(fixture.read("a")).toBe("1");
  await redo(fixture.store);
  expect(fixture.read("a")).toBe("2");
  await fixture.write({ a: "3" });
  await undo(fixture.store, { count: 2 });
  expect(fixture.read("a")).toBe("1");
  await redo(fixture.store);
  expect(fixture.read("a")).toBe("3");
  await undo(fixture.store, { count: 2 });
  expect(fixture.read("a")).toBe("1");
  await expect(undo(fixture.store)).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
  await redo(fixture.store, { count: 1 });
  expect(fixture.read("a")).toBe("2");
});
