import { expect, test } from "vitest";
import { makeTree, TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { classify, codeOf, disturb, isStoreSound, recover, rehearse } from "./commit-faults.ts";

const codes = ["EIO", "ENOSPC", "EACCES", "EMFILE", "EROFS"];

test("a commit in which any one call fails either succeeds or changes nothing", async () => {
  const outcomes = await rehearse();
  const seen: Record<string, number> = {};
  // Every call has its turn in CI's long run; here each third, and another third for each code.
  for (const point of outcomes.calls.filter(({ index }) => index % 3 === 0)) {
    if (point.name === "close") continue;
    const code = codes[point.index % codes.length] as string;
    using root = TemporaryRoot.inMemory();
    makeTree(root.path);
    const error = await disturb(root.path, ({ index }) =>
      index === point.index ? { kind: "error", code } : { kind: "none" },
    );
    const where = `${code} at ${point.index} ${point.name} ${point.path}: ${codeOf(error)}`;
    const atOnce = classify(root.path, outcomes);
    const wanted =
      error === undefined ? "new" : codeOf(error) === "DRAFT_OUTCOME_UNKNOWN" ? "" : "old";
    if (codeOf(error) !== "DRAFT_RECOVERY_FAILED" && wanted !== "") {
      expect(atOnce, where).toBe(wanted);
    }
    await recover(root.path);
    const outcome = classify(root.path, outcomes);
    expect(["old", "new"], `${where}: ${outcome}`).toContain(outcome);
    const settled = readTree(root.path, { times: true });
    await recover(root.path);
    expect(readTree(root.path, { times: true }), where).toEqual(settled);
    if (point.index % 16 === 0) expect(isStoreSound(root.path), where).toBe(true);
    const kind = `${error === undefined ? "unnoticed" : codeOf(error)}, ${outcome}`;
    seen[kind] = (seen[kind] ?? 0) + 1;
  }
  console.log(`one error at each of ${outcomes.calls.length} calls`, seen);
});
