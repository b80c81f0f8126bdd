import { conform } from "./harness/conform.ts";
import { descriptors } from "./scenarios/descriptors.ts";

conform("descriptors", descriptors);
