import { openCommitStore } from "../../src/commit/commit-store.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { acts, collect } from "../recovery/fault-scenario.ts";
import { HastyDisk } from "../recovery/history-fixture.ts";
import { FaultDisk } from "../support/fault-disk.ts";

/** Undoes, redoes, restores or collects, and kills itself at the call with the given number. */
const [root = "", what = "", at = ""] = process.argv.slice(2);
const disk = new FaultDisk(new HastyDisk(), ({ index }) => {
  if (index === Number(at)) process.kill(process.pid, "SIGKILL");
  return { kind: "none" };
});
const act = what === "gc" ? collect : acts[what as keyof typeof acts];
await act(openCommitStore(disk, stateDirectoryOf(root)));
