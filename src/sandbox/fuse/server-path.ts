import { fileURLToPath } from "node:url";
import { ownUrl } from "../../disk/own-url.ts";

/** The program of the FUSE server, which Node runs in a process of its own. */
export const serverPath: string = fileURLToPath(new URL("./server-main.js", ownUrl));
