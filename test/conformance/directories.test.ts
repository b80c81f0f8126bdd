import { conform } from "./harness/conform.ts";
import { directories } from "./scenarios/directories.ts";

conform("directories", directories);
