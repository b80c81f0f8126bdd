import { fileURLToPath } from "node:url";
import { ownUrlOf } from "../../disk/own-url.ts";

/** The program of the FUSE server, which Node runs in a process of its own. */
export const serverPath: string = fileURLToPath(
  new URL("./server-main.js", ownUrlOf(import.meta.url)),
);
