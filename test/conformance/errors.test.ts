import { conform } from "./harness/conform.ts";
import { errors, errorsAfterChanges } from "./scenarios/errors.ts";

conform("calls on targets", errors);
conform("calls on changed targets", errorsAfterChanges);
