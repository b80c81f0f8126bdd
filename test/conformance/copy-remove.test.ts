import { conform } from "./harness/conform.ts";
import { copyRemove } from "./scenarios/copy-remove.ts";

conform("copy-remove", copyRemove);
