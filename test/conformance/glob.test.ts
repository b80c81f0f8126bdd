import { conform } from "./harness/conform.ts";
import { globs } from "./scenarios/glob.ts";

conform("glob", globs);
