import { conform } from "./harness/conform.ts";
import { handles } from "./scenarios/handles.ts";

conform("handles", handles);
