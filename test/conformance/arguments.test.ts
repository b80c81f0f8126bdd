import { conform } from "./harness/conform.ts";
import { argumentForms } from "./scenarios/arguments.ts";

conform("arguments", argumentForms);
