import { conform } from "./harness/conform.ts";
import { typeChanges } from "./scenarios/type-changes.ts";

conform("type-changes", typeChanges);
