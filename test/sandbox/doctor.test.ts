import { describe, expect, it } from "vitest";
import { describeReport, examineSandbox } from "../../src/sandbox/doctor.ts";
import { enginesOfSystem } from "../../src/sandbox/engine/engine-choice.ts";
import { appArmorProfile, isolationError, remedyFor } from "../../src/sandbox/sandbox-error.ts";
import { kindOfWords } from "../../src/sandbox/start-failure.ts";
import { openOver, treeOf } from "./sandbox-fixture.ts";

describe("the examination of a system", () => {
  it("tries every engine, names the one that is taken, and says what is missing", async () => {
    const root = treeOf({ a: "a" });
    const report = await examineSandbox(root);
    expect(report.engines.map(({ engine }) => engine)).toEqual(enginesOfSystem());
    expect(report.chosen).toBe(report.engines.find(({ works }) => works)?.engine);
    expect(describeReport(report)).toContain(`* ${report.chosen} (enforced): works`);
    expect(report.programs["unshare"]).toMatch(/unshare$/);
  });

  it("refuses a copy where enforcement is required, and says so in the result otherwise", async () => {
    const root = treeOf({ a: "a" });
    const strict = await openOver(root, { engine: "clone", require: "enforced" });
    await expect(strict.session.run("true")).rejects.toMatchObject({ code: "DRAFT_ISOLATION" });
    const lax = await openOver(root, { engine: "clone", require: "cooperative" });
    const result = await lax.session.run("true", [], { stdio: "ignore" });
    expect(result).toMatchObject({ engine: "clone", isolation: "cooperative" });
    expect(result.notes.join()).toMatch(/copy/);
  });

  it("gives the words of the failing tool and what to do about them", () => {
    const refused = "unshare: unshare failed: Operation not permitted";
    expect(remedyFor(kindOfWords(refused))).toContain(appArmorProfile);
    expect(remedyFor(kindOfWords("unshare failed: No space left on device"))).toMatch(
      /max_user_namespaces/,
    );
    expect(remedyFor(kindOfWords("spawn unshare ENOENT"))).toMatch(/util-linux/);
    const error = isolationError("/r", [
      { engine: "overlay-user", reason: refused, remedy: remedyFor(kindOfWords(refused)) },
    ]);
    expect(error.message).toMatch(/was not run[\s\S]*overlay-user: unshare[\s\S]*userns,/);
  });
});
