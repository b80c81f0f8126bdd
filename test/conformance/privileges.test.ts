import { conform } from "./harness/conform.ts";
import { privileges } from "./scenarios/privileges.ts";

conform("privileges", privileges);
