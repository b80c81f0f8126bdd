import { conform } from "./harness/conform.ts";
import { large } from "./scenarios/large.ts";

conform("large", large);
