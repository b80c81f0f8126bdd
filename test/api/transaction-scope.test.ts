import { executionAsyncResource } from "node:async_hooks";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOverlay } from "../../src/index.ts";

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "draftfs-transactions-"));
  mkdirSync(join(base, "one"));
  mkdirSync(join(base, "two"));
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

test("what a transaction has left running commits when it has ended", async () => {
  await using one = await openOverlay(join(base, "one"));
  await using two = await openOverlay(join(base, "two"));
  let begin = (): void => undefined;
  const mayBegin = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let left: Promise<unknown> = Promise.resolve();
  await one.transact(() => {
    left = mayBegin.then(async () => {
      one.fs.writeFileSync("late", "x");
      await one.commit();
    });
  });
  await two.transact(async ({ fs }) => {
    begin();
    await left;
    fs.writeFileSync("file", "y");
  });
  expect(readFileSync(join(base, "one/late"), "utf8")).toBe("x");
});

test("inside of a transaction over another root, a commit is refused for both", async () => {
  await using one = await openOverlay(join(base, "one"));
  await using two = await openOverlay(join(base, "two"));
  await one.transact(async () => {
    await two.transact(async () => {
      await expect(one.commit()).rejects.toMatchObject({ code: "DRAFT_TRANSACTION" });
      await expect(two.commit()).rejects.toMatchObject({ code: "DRAFT_TRANSACTION" });
    });
    two.fs.writeFileSync("file", "");
    await two.commit();
    await expect(one.commit()).rejects.toMatchObject({ code: "DRAFT_TRANSACTION" });
  });
});

test("a resolver may not commit: it would wait for itself", async () => {
  await using one = await openOverlay(join(base, "one"));
  await using other = await openOverlay(join(base, "one"));
  one.fs.writeFileSync("file", "ours");
  other.fs.writeFileSync("file", "theirs");
  await other.commit();
  const refused: unknown[] = [];
  await one.commitWith(async () => {
    await one.commit().catch((error: unknown) => refused.push(error));
    return { kind: "ours" };
  });
  expect(refused).toMatchObject([{ code: "DRAFT_TRANSACTION" }]);
});

test("promises carry nothing of transactions that are over, however many overlays there were", async () => {
  const marks = async (): Promise<number> => {
    await setImmediate();
    return Object.getOwnPropertySymbols(executionAsyncResource()).length;
  };
  const before = await marks();
  for (let round = 0; round < 5; round++) {
    await using one = await openOverlay(join(base, "one"));
    await one.transact(({ fs }) => fs.writeFileSync("file", `${round}`));
  }
  expect(await marks()).toBeLessThanOrEqual(before);
});

test("closing waits for a commit that was called before, and nothing is committed after", async () => {
  const one = await openOverlay(join(base, "one"));
  one.fs.writeFileSync("file", "x");
  const committed = one.commit();
  await one.close();
  expect((await committed).changes).toHaveLength(1);
  expect(readFileSync(join(base, "one/file"), "utf8")).toBe("x");
  await expect(one.commit()).rejects.toMatchObject({ code: "DRAFT_CLOSED" });
});

test("a transaction may close its overlay, and does not wait for itself", async () => {
  const one = await openOverlay(join(base, "one"));
  const closed = one.transact(async ({ fs }) => {
    fs.writeFileSync("file", "x");
    await one.close();
  });
  await expect(closed).rejects.toMatchObject({ code: "DRAFT_CLOSED" });
});
