import { conform } from "./harness/conform.ts";
import { modes } from "./scenarios/modes.ts";

conform("modes", modes);
