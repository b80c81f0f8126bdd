import { tmpdir } from "node:os";
import { openLower } from "../disk/lower/lower-open.ts";
import { NodeDisk } from "../disk/node/node-disk.ts";
import { Core } from "./core.ts";

let isFurther = false;
let lasting: Core | undefined;

/**
 * To be called for every overlay that is opened. From the second one of a process on, there is a
 * core that is of none of them, for the sake of the hidden classes of all that it consists of, as
 * {@link lastingFile} is for those of files: where one overlay is opened after the other, none is
 * there when the collector comes. Calls took up to twice as long in the next one then.
 */
export function lastingCore(): Core | undefined {
  if (isFurther) lasting ??= makeCore();
  isFurther = true;
  return lasting;
}

function makeCore(): Core {
  const memory = { limitBytes: 0, disk: new NodeDisk(), staging: tmpdir };
  const core = new Core(openLower(), "/", { memory, policy: undefined, observes: false });
  // A directory that is known has a class too.
  core.paths.find("/", 0);
  return core;
}
