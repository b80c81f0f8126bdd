/**
 * Starts a commit and kills itself with SIGKILL in the middle of applying it:
 * `killed-commit.js ROOT FILES VERSION`.
 */
import { join } from "node:path";
import process from "node:process";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { DraftRoot } from "../lib/draft-root.ts";
import { makeTextFiles } from "../lib/text-files.ts";

const [root = "", files = "", version = ""] = process.argv.slice(2);
const draft = await DraftRoot.open(root);
for (const { path, text } of makeTextFiles(Number(files), Number(version))) {
  draft.fs.writeFileSync(join(root, path), text);
}
const { rename } = NodeDisk.prototype;
let renamesLeft = Math.ceil(Number(files) / 2);
NodeDisk.prototype.rename = function killAfterSome(source, target) {
  rename.call(this, source, target);
  renamesLeft -= 1;
  if (renamesLeft === 0) process.kill(process.pid, "SIGKILL");
};
await draft.commit();
throw new Error("The commit was not killed.");
