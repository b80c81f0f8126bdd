import { readFileSync, writeSync } from "node:fs";
import { dataBytesOf } from "../../disk/data-pieces.ts";
import { absoluteOf } from "../../disk/tree-path.ts";
import { openLayer } from "../../overlay/layer.ts";
import { deniedMatcher } from "../namespace/denied-paths.ts";
import type { FuseBackend } from "./backend.ts";
import { boundedBackend } from "./bounded-backend.ts";
import { denyReading } from "./deny-reading.ts";
import { fsBackend } from "./fs-backend.ts";
import { lowerDirectoryOf } from "./lower-directory.ts";
import { ownerBackend } from "./owner-backend.ts";
import { serveFuse } from "./serve.ts";
import {
  type ServerOrder,
  serverDevice,
  serverOrderVariable,
  servingLine,
} from "./served-names.ts";
import { isOwnUser, squashOwners } from "./squash-owners.ts";
import { UpperView } from "./upper-view.ts";

/**
 * The process that serves a FUSE mount: an overlay of its own over the real tree, which it sees in
 * a mount namespace in which the mount does not cover it. What is pending elsewhere comes in as
 * writes through the mount, and what commands changed is read from its upper.
 */
const order = JSON.parse(process.env[serverOrderVariable] ?? "{}") as ServerOrder;
// What is written stays in memory, as it does in a tmpfs, up to the same bound.
const layer = openLayer({ root: order.root, memoryLimitBytes: order.uncommittedBytesMax });
/** The thread whose request is being answered. */
let caller = 0;
const served = fsBackend(layer.fs, order.root);
const tree: FuseBackend = {
  ...served,
  generation: () => layer.generation,
  lowerDirectory: (path) => lowerDirectoryOf(layer, path),
  isPending: (path) => layer.pendingAt(path) !== undefined,
  makeSpecial: (path, mode, kind) => {
    // As a file first, with all that this means for its directory.
    served.close(served.create(path, mode, true));
    const { uid, gid, atimeNs, mtimeNs } = served.stat(path);
    const meta = { mode, uid, gid, atimeNs, mtimeNs };
    layer.adopt({ kind: "other", path, meta, isSocket: kind === "socket" });
  },
  dataRanges: (descriptor) => layer.dataRanges(descriptor),
  // Calls of `node:fs` cut times to microseconds.
  lutimes: (path, atimeNs, mtimeNs) =>
    layer.setTimes(absoluteOf(order.root, path), atimeNs, mtimeNs),
};
const bounded = boundedBackend(tree, order.uncommittedBytesMax, () => pendingBytes(layer));
const owned = order.squash ? squashOwners(bounded) : bounded;
const shown =
  order.denyRead.length === 0
    ? owned
    : denyReading(owned, {
        isDenied: deniedMatcher(order.root, order.denyRead, order.deniedLinks),
        isOwner: () => processOf(caller) === order.owner,
      });
const upper = new UpperView(layer, owned, {
  readable: shown,
  isShownOwner: order.squash ? isOwnUser : undefined,
});
writeSync(process.stdout.fd, `${servingLine}\n`);
serveFuse(serverDevice, ownerBackend(shown, upper, order.secret), ({ pid }) => {
  caller = pid;
});

/** Bytes of the files that are pending; each node counts once. */
function pendingBytes(source: typeof layer): number {
  const sizes = new Map<bigint, number>();
  for (const entry of source.pending()) {
    if (entry.kind !== "file") continue;
    if (entry.content.lower === undefined) sizes.set(entry.ino, dataBytesOf(entry.content));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** The process that a thread belongs to. */
function processOf(thread: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${thread}/status`, "latin1");
    return Number(/^Tgid:\s*(\d+)$/m.exec(status)?.[1]);
  } catch {
    return undefined;
  }
}
