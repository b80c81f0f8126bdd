import { conform } from "./harness/conform.ts";
import { files } from "./scenarios/files.ts";

conform("files", files);
