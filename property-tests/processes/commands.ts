import { fc } from "../../test/support/properties.ts";
import { edit, globs } from "../api/lines.ts";

/** How many processes there are. */
export const processesCount = 3;

const one = <Kind extends string>(kind: Kind) => fc.constant(kind);
const selection = fc.record(
  { include: globs, exclude: globs },
  { requiredKeys: [], noNullPrototype: true },
);

/** What a process can be told that concerns more than its own memory. */
const act = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      kind: one("commit"),
      how: fc.constantFrom("plain", "plain", "merge", "force"),
      selection: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, selection),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: one("undo"), count: fc.constantFrom(1, 1, 2, 3) }) },
  { weight: 2, arbitrary: fc.record({ kind: one("redo") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: one("restore"),
      back: fc.nat(6),
      paths: fc.option(fc.constantFrom(["a"], ["d"], ["b", "e/a"]), { nil: undefined }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: one("save") }) },
  { weight: 1, arbitrary: fc.record({ kind: one("discard") }) },
  { weight: 1, arbitrary: fc.record({ kind: one("close"), settle: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: one("open"), draft: fc.constantFrom("one", "two", "three") }),
  },
  { weight: 2, arbitrary: fc.record({ kind: one("plan") }) },
  { weight: 2, arbitrary: fc.record({ kind: one("apply") }) },
  { weight: 3, arbitrary: fc.record({ kind: one("gc"), keep: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: one("verify") }) },
  { weight: 2, arbitrary: fc.record({ kind: one("read") }) },
  { weight: 1, arbitrary: fc.record({ kind: one("recover") }) },
);
export type Act = typeof act extends fc.Arbitrary<infer Value> ? Value : never;

const who = fc.nat(processesCount - 1);
const editing = fc.record({ kind: one("edit"), who, edit });
const strange = fc.record({ kind: one("stranger"), edit });

/** Where a process stops, what others do before it goes on, and whether it ever does. */
const stop = fc.record({
  at: fc.nat(40),
  how: fc.constantFrom("kill", "pause", "pauseAndKill"),
  meanwhile: fc.array(
    fc.oneof(
      { weight: 2, arbitrary: strange },
      { weight: 2, arbitrary: editing },
      { weight: 4, arbitrary: fc.record({ kind: one("act"), who, act, stop: fc.constant(null) }) },
    ),
    { maxLength: 4 },
  ),
});
export type Stop = typeof stop extends fc.Arbitrary<infer Value> ? Value : never;

export const command = fc.oneof(
  { weight: 12, arbitrary: editing },
  { weight: 3, arbitrary: strange },
  {
    weight: 12,
    arbitrary: fc.record({ kind: one("act"), who, act, stop: fc.option(stop, { freq: 2 }) }),
  },
);
export type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;
