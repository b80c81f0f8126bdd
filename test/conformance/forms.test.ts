import { conform } from "./harness/conform.ts";
import { forms } from "./scenarios/forms.ts";

conform("forms", forms);
