import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { makeChanges } from "../commit/scenario.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { commit } from "./commit-faults.ts";

/** A commit of the scenario that dies at the call with a number. */
export interface VictimOrder {
  readonly kind: "die-in-scenario";
  readonly root: string;
  readonly at: number;
}

/** @throws when there is no such call. */
export async function dieInScenario({ root, at }: VictimOrder): Promise<never> {
  const disk = new FaultDisk(new NodeDisk(), ({ index }) => {
    if (index === at) process.kill(process.pid, "SIGKILL");
    return { kind: "none" };
  });
  await commit(disk, root, makeChanges(root));
  throw new Error(`a commit consists of ${disk.calls.length} calls, and none is ${at}`);
}
