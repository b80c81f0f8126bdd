import { afterAll, beforeAll, expect, test } from "vitest";
import { errorCodes, errorCodesAt } from "../support/error-codes.ts";
import type { DiskCall } from "../support/fault-disk.ts";
import { acts, collect, FaultScenario } from "./fault-scenario.ts";

let scenario: FaultScenario;
beforeAll(async () => {
  scenario = await FaultScenario.make("undo");
});
afterAll(() => scenario[Symbol.dispose]());

for (const code of errorCodes) {
  const meetsIt = (call: DiskCall) => errorCodesAt(call).includes(code);

  test(`${code} at any call of an undo leaves all of it or nothing, and is reported`, async () => {
    const tried = await scenario.tryAtEveryCall(
      acts.undo,
      { kind: "error", code },
      meetsIt,
      async (store, error, at) => {
        const outcome = await scenario.expectOldOrNew(store, at);
        if (outcome === "old") expect(error, at).toBeInstanceOf(Error);
      },
    );
    console.log(`undo met ${code} at ${tried} calls`);
  });

  test(`${code} at any call of gc leaves a whole store`, async () => {
    const tried = await scenario.tryAtEveryCall(
      collect,
      { kind: "error", code },
      meetsIt,
      (store, _, at) => scenario.expectWholeStore(store, at),
    );
    console.log(`gc met ${code} at ${tried} calls`);
  });
}
