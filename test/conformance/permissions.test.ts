import { conform } from "./harness/conform.ts";
import { permissions } from "./scenarios/permissions.ts";

conform("permissions", permissions);
