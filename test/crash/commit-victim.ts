import { NodeDisk } from "../../src/disk/node-disk.ts";
import { makeChanges } from "../commit/scenario.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { commit } from "./commit-faults.ts";

/** Commits the scenario and kills itself at the call with the given number. */
const [root = "", at = ""] = process.argv.slice(2);
const disk = new FaultDisk(new NodeDisk(), ({ index }) => {
  if (index === Number(at)) process.kill(process.pid, "SIGKILL");
  return { kind: "none" };
});
await commit(disk, root, makeChanges(root));
