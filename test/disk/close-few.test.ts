import crypto from "node:crypto";
import fs from "node:fs";
import { expect, test } from "vitest";
import { closeFew } from "../../src/disk/background/close-few.ts";
import { backgroundFilesMin } from "../../src/limits.ts";

/** Those of the descriptors that are open. */
function openOf(descriptors: readonly number[]): number {
  return descriptors.filter((each) => fs.existsSync(`/proc/self/fd/${each}`)).length;
}

test("files do not pile up where the threads that close them have other work", async () => {
  // As many as libuv has threads by default, and some more.
  const work = Array.from(
    { length: 16 },
    () =>
      new Promise<void>((resolve) => {
        crypto.pbkdf2("password", "salt", 400_000, 64, "sha512", () => resolve());
      }),
  );
  const opened: number[] = [];
  for (let round = 0; round < 8; round++) {
    const some = Array.from({ length: backgroundFilesMin / 2 }, () =>
      fs.openSync("/dev/null", "r"),
    );
    opened.push(...some);
    closeFew(some);
  }
  expect(openOf(opened)).toBeLessThanOrEqual(backgroundFilesMin);
  await Promise.all(work);
  await expect.poll(() => openOf(opened)).toBe(0);
});
