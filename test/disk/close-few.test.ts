import crypto from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { closeFew } from "../../src/disk/background/close-few.ts";
import { openOverlay } from "../../src/index.ts";
import { backgroundFilesMin } from "../../src/limits.ts";
import { TemporaryRoot } from "../commit/scenario.ts";

afterEach(() => vi.restoreAllMocks());

/** Those of the descriptors that are open. */
function openOf(descriptors: readonly number[]): number {
  return descriptors.filter((each) => fs.existsSync(`/proc/self/fd/${each}`)).length;
}

/** What is open below a directory, gone files too. */
function openBelow(directory: string): string[] {
  const paths = fs.readdirSync("/proc/self/fd").map((each) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${each}`);
    } catch {
      // The listing's own.
      return "";
    }
  });
  return paths.filter((path) => path.startsWith(directory));
}

test("files do not pile up where the threads that close them have other work", async () => {
  // For more threads than libuv has by default.
  const work = Array.from(
    { length: 16 },
    () =>
      new Promise<void>((resolve) => {
        crypto.pbkdf2("password", "salt", 30_000, 64, "sha512", () => resolve());
      }),
  );
  const opened: number[] = [];
  const closings: Promise<void>[] = [];
  for (let round = 0; round < 8; round++) {
    const some = Array.from({ length: backgroundFilesMin / 2 }, () =>
      fs.openSync("/dev/null", "r"),
    );
    opened.push(...some);
    closings.push(closeFew(some));
  }
  expect(openOf(opened)).toBeLessThanOrEqual(backgroundFilesMin);
  await Promise.all(closings);
  expect(openOf(opened)).toBe(0);
  await Promise.all(work);
});

test("a closed overlay has nothing of its root open, however long closing takes", async () => {
  using root = TemporaryRoot.inMemory();
  const names = Array.from({ length: 20 }, (_, index) => `file-${index}`);
  for (const name of names) fs.writeFileSync(join(root.path, name), "old");
  const closing = vi.spyOn(fs, "close").mockImplementation((descriptor, done) => {
    setTimeout(() => {
      fs.closeSync(descriptor);
      done?.(null);
    }, 20);
  });
  const overlay = await openOverlay(root.path);
  for (const name of names) overlay.fs.writeFileSync(name, "new");
  await overlay.commit();
  await overlay.close({ settle: false });
  expect(closing).toHaveBeenCalled();
  expect(openBelow(root.path)).toEqual([]);
});
