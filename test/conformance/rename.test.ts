import { conform } from "./harness/conform.ts";
import { renames } from "./scenarios/rename.ts";

conform("rename", renames);
