import type { BigIntStats } from "node:fs";
import { constants } from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { FileContent } from "../content/file-content.ts";
import type { Core } from "../core.ts";
import { credentials, dropPrivileges, settableMode } from "../credentials.ts";
import { codeOf, Fault } from "../file-system-error.ts";
import { instantOf } from "../instant.ts";
import type { FileNode } from "../node.ts";
import { setOwner, setTimes } from "./attributes.ts";
import { describe } from "./inspect.ts";
import { removeFile } from "./name-changes.ts";
import { openFile, replaceContent, truncateNode } from "./open.ts";

const { COPYFILE_EXCL, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants;
const permissionBits = 0o7777;

/**
 * Copies a file. The two share their bytes until one of them is written to, so that the cost does
 * not depend on the size.
 *
 * @param keepsOwner whether the target gets the owner of the source, where this Node does that.
 * @throws {Fault} as libuv's `uv_fs_copyfile`.
 */
export function copyFile(
  core: Core,
  from: string,
  to: string,
  mode: number,
  keepsOwner = true,
): void {
  const source = openFile(core, from, O_RDONLY, 0);
  // Registered, so that it follows a copy-up by the opening of the target.
  const descriptor = core.descriptors.add(source);
  try {
    const bits = core.modeOf(source) & permissionBits;
    const before = nodeHabits.copyFileSetsAttributes ? describe(core, source, true) : undefined;
    const isExclusive = (mode & COPYFILE_EXCL) !== 0;
    const flags = O_WRONLY | O_CREAT | (isExclusive ? O_EXCL : 0);
    const target = openFile(core, to, flags, bits);
    const { node } = target;
    if (node?.kind !== "file") throw new Fault("EISDIR");
    if (node === source.node) return;
    if (credentials.uid !== 0 && credentials.uid !== node.uid) refuseForeign(core, node, to);
    const isDirectory = core.isDirectory(source);
    const empty = FileContent.empty(core.memory.budget);
    replaceContent(core, node, isDirectory ? empty : core.contentOf(source));
    if (before !== undefined && keepsOwner) passOwner(core, node, before as BigIntStats);
    // As libuv does, also for a file that was there: fchmod of the target to the source's mode.
    node.mode = (node.mode & ~permissionBits) | settableMode(bits, node.gid);
    // The mode is set first, then the content is written.
    if (node.content.size > 0) dropPrivileges(node);
    if (before !== undefined) passTimes(core, node, before as BigIntStats);
    if (isDirectory) {
      // As libuv does: it finds out when it reads, and then removes what it has made.
      removeFile(core, to);
      throw new Fault("EISDIR");
    }
  } finally {
    core.descriptors.close(descriptor);
  }
}

/**
 * As libuv does: it empties the target, may not change its mode, and removes what it takes for its
 * own half-made copy.
 */
function refuseForeign(core: Core, node: FileNode, path: string): never {
  truncateNode(core, node, 0);
  try {
    removeFile(core, path);
  } catch (caught) {
    if (codeOf(caught) === undefined) throw caught;
  }
  throw new Fault("EPERM");
}

/** Like `cp -p`, libuv does not mind when the file may not be given away. */
function passOwner(core: Core, node: FileNode, { uid, gid }: BigIntStats): void {
  try {
    setOwner(core, node, { uid: Number(uid), gid: Number(gid) });
  } catch (caught) {
    if (codeOf(caught) !== "EPERM") throw caught;
  }
}

/** Writing moves the time of modification on: only a file without content keeps the source's. */
function passTimes(core: Core, node: FileNode, source: BigIntStats): void {
  const atime = instantOf(source.atimeNs);
  if (node.content.size > 0) node.atime = atime;
  else setTimes(core, node, { atime, mtime: instantOf(source.mtimeNs) });
}
