import { conform } from "./harness/conform.ts";
import { times } from "./scenarios/times.ts";

conform("times", times);
