import nodeFs from "node:fs";
import type { LowerFileSystem } from "../../src/disk/lower/lower.ts";

/** The disk, and the names of the functions that were called on it. */
export function countedDisk(): { readonly fs: LowerFileSystem; readonly calls: string[] } {
  const calls: string[] = [];
  const fs = new Proxy(nodeFs, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function" || !String(name).endsWith("Sync")) return value;
      return (...input: unknown[]) => {
        calls.push(String(name));
        return Reflect.apply(value, target, input) as unknown;
      };
    },
  });
  return { fs, calls };
}
