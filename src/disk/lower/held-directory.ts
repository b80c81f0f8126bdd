import fs from "node:fs";
import { nativeCalls } from "../native/native-calls.ts";
import { pinnedPath } from "../pinned-place.ts";

/** An open directory of the lower. */
export interface HeldDirectory {
  /** Leads to the directory until it is closed. */
  readonly path: string;
  /**
   * The names in it as `Lower.names` gives them, once.
   *
   * @param bytesMax of what the kernel says of them, some 32 for each.
   * @returns `undefined` where there are more, or Node has to tell.
   */
  readonly names: (bytesMax?: number) => string[] | undefined;
  readonly sizeBytes: () => number;
  readonly close: () => void;
}

/** Holds a directory by its descriptor, which is closed with it. */
export function heldBy(descriptor: number): HeldDirectory {
  return {
    path: pinnedPath(descriptor),
    names: (bytesMax = Number.POSITIVE_INFINITY) => nativeCalls(0)?.namesIn(descriptor, bytesMax),
    sizeBytes: () => fs.fstatSync(descriptor).size,
    close: () => fs.closeSync(descriptor),
  };
}
