import { setTimeout as delay } from "node:timers/promises";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { recoverRoot } from "../../src/recovery/recover-root.ts";
import { ImpatientDisk } from "./impatient-disk.ts";

/** Recovers a root over and over until it is killed, whoever commits to it meanwhile. */
const [root = ""] = process.argv.slice(2);
for (;;) {
  const store = openCommitStore(new ImpatientDisk(), stateDirectoryOf(root));
  try {
    await recoverRoot(store, { waitMs: 20_000 });
  } catch (error) {
    process.stdout.write(`error ${String(error).replaceAll("\n", " ")}\n`);
    process.exit(1);
  } finally {
    store.objects.close();
  }
  await delay(5);
}
