import type { Engine } from "../../src/sandbox/session-options.ts";

export interface Scale {
  readonly rounds: number;
  readonly files: number;
  readonly engine: Engine;
}
