import type { Core } from "../core.ts";
import { attributeCalls } from "./attribute-calls.ts";
import { descriptorCalls } from "./descriptor-calls.ts";
import { pathCalls } from "./path-calls.ts";
import { transferCalls } from "./transfer-calls.ts";
import { treeCalls } from "./tree-calls.ts";
import { wholeFileCalls } from "./whole-file-calls.ts";

/**
 * The functions of `node:fs` that exist in all three forms, each written once, as its synchronous
 * form without the suffix. The callback and promise forms are made of them.
 */
export function synchronousCalls(core: Core) {
  return {
    ...pathCalls(core),
    ...attributeCalls(core),
    ...descriptorCalls(core),
    ...transferCalls(core),
    ...wholeFileCalls(core),
    ...treeCalls(core),
  };
}

/** The table of synchronous calls of one overlay. */
export type Calls = ReturnType<typeof synchronousCalls>;
