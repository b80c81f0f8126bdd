import { conform } from "./harness/conform.ts";
import { copiedLinks } from "./scenarios/copied-links.ts";

conform("copied links", copiedLinks);
