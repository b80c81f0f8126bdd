import fs from "node:fs";
import { join } from "node:path";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import type { Durability } from "../../src/commit/receipt.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { isDraftError } from "../../src/errors.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { ImpatientDisk } from "./impatient-disk.ts";

/**
 * Commits the same text to all of a few files, over and over until it is killed. Whoever looks at a
 * whole tree finds the same text in all of them, and the number in it never goes back.
 */
async function work(root: string, name: string, files: number): Promise<never> {
  const store = openCommitStore(new ImpatientDisk(), stateDirectoryOf(root));
  const durability: Durability = "durable";
  for (;;) {
    try {
      const number = Number(fs.readFileSync(join(root, "file-0"), "utf8").split(" ")[0]) + 1;
      const builder = new ChangeBuilder(root);
      for (let index = 0; index < files; index++) {
        builder.write(`file-${index}`, `${number} ${name}\n`);
      }
      await commitChangeSet(store, builder.build(), { durability, lockWaitMs: 20_000 });
      process.stdout.write(`${number}\n`);
    } catch (error) {
      // Somebody else was faster. Anything but that is a finding.
      const code = isDraftError(error) ? error.code : "";
      if (code === "DRAFT_CONFLICT") continue;
      process.stdout.write(`error ${String(error).replaceAll("\n", " ")}\n`);
      process.exit(1);
    }
  }
}

const [root = "", name = "", files = ""] = process.argv.slice(2);
await work(root, name, Number(files));
