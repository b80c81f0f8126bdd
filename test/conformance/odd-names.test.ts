import { conform } from "./harness/conform.ts";
import { oddNames } from "./scenarios/odd-names.ts";

conform("odd-names", oddNames);
