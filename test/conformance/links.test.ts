import { conform } from "./harness/conform.ts";
import { links } from "./scenarios/links.ts";

conform("links", links);
