import { expect, it } from "vitest";
import type { FuseBackend } from "../../../src/sandbox/fuse/backend.ts";
import { boundedBackend } from "../../../src/sandbox/fuse/bounded-backend.ts";

const mebibyte = 1 << 20;

it("counts what is pending when the bound comes near, and adds up before", () => {
  const tree = { write: () => {}, space: () => ({}) } as unknown as FuseBackend;
  let pendingBytes = 0;
  let counts = 0;
  const backend = boundedBackend(tree, 8 * mebibyte, () => {
    counts += 1;
    return pendingBytes;
  });
  const freeBytes = (): number => {
    const { available, blockBytes } = backend.space();
    return Number(available) * blockBytes;
  };
  expect(freeBytes()).toBe(8 * mebibyte);
  const some = Buffer.alloc(mebibyte);
  for (let index = 0; index < 4; index++) backend.write(3, some, 0);
  expect([freeBytes(), counts]).toEqual([4 * mebibyte, 0]);
  pendingBytes = mebibyte;
  backend.write(3, some, 0);
  expect([freeBytes(), counts]).toEqual([7 * mebibyte, 1]);
  pendingBytes = 8 * mebibyte;
  for (let index = 0; index < 7; index++) backend.write(3, some, 0);
  expect(() => backend.write(3, some, 0)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
  expect(freeBytes()).toBe(0);
});
