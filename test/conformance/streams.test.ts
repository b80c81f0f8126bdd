import { conform } from "./harness/conform.ts";
import { streams } from "./scenarios/streams.ts";

conform("streams", streams);
