import { conform } from "./harness/conform.ts";
import { symlinks } from "./scenarios/symlinks.ts";

conform("symlinks", symlinks);
