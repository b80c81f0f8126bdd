import { conform } from "./harness/conform.ts";
import { oddValues } from "./scenarios/odd-values.ts";

conform("odd values", oddValues);
