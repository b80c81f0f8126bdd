/** Renames in a process of their own, times printed as JSON: `rename-process.js PEER SCALE`. */
import process from "node:process";
import { measureRenames, renamePeers } from "./renames.ts";

const [name, scale = "1"] = process.argv.slice(2);
const peer = renamePeers.find((candidate) => candidate === name);
if (peer === undefined) throw new Error(`${name} is none of ${renamePeers}.`);
process.stdout.write(JSON.stringify(await measureRenames(peer, Number(scale))));
