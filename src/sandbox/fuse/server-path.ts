import { fileURLToPath } from "node:url";

/** The program of the FUSE server, which Node runs in a process of its own. */
export const serverPath: string = fileURLToPath(new URL("./server-main.js", import.meta.url));
