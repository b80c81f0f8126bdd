import { expect, test } from "vitest";
import { TemporaryRoot } from "../commit/scenario.ts";
import { classify, codeOf, disturb, makeRoot, rehearse } from "./commit-faults.ts";

test("a commit that takes long between its record and an error is taken back whole", async () => {
  const outcomes = await rehearse({}, "slots");
  const last = outcomes.calls.filter(({ name }) => name === "lutimes").at(-1);
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  let isFailed = false;
  const error = await disturb(root.path, ({ name, path }) => {
    // What is written in place has a time of its own then.
    if (name === "open" && path?.endsWith("/shared-1") === true)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
    if (isFailed || name !== "lutimes" || path?.split("/").at(-1) !== last?.path?.split("/").at(-1))
      return { kind: "none" };
    isFailed = true;
    return { kind: "error", code: "EROFS" };
  });
  expect(codeOf(error)).toBe("DRAFT_COMMIT_FAILED");
  expect(classify(root.path, outcomes)).toBe("old");
});
