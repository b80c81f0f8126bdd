import fs from "node:fs";
import { createInterface } from "node:readline";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { isDraftError, mergingResolver, type Overlay, openOverlay } from "../../src/index.ts";
import { change, type Edit, type Files, treeOf } from "../api/lines.ts";
import type { Doing, Reply, Request } from "./protocol.ts";

/**
 * One of several processes over a root: does what it is told, one thing at a time, and at the
 * change of the disk that it is told kills itself, or waits to be told to go on.
 */
const toDriver = 1;
const goOn = 3;

const changing = [
  ...["write", "truncate", "mkdir", "rmdir", "unlink", "rename", "renameNew", "link", "symlink"],
  ...["chmod", "fchmod", "lchown", "lutimes", "fsync", "fdatasync", "syncfs"],
] as const;

let stop: Request["stop"];
let changes = 0;

function stopHere(name: string, path: unknown): void {
  if (stop === undefined || changes++ !== stop.at) return;
  const { how } = stop;
  stop = undefined;
  if (how === "kill") process.kill(process.pid, "SIGKILL");
  say({ kind: "paused", call: `${name} ${typeof path === "string" ? path : ""}` });
  for (;;) {
    try {
      fs.readSync(goOn, Buffer.alloc(1));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function say(reply: Reply): void {
  fs.writeSync(toDriver, `${JSON.stringify(reply)}\n`);
}

const disk = NodeDisk.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of changing) {
  const perform = disk[name] as (...args: unknown[]) => unknown;
  disk[name] = function (...args: unknown[]) {
    stopHere(name, args.at(-1));
    return perform.apply(this, args);
  };
}

let overlay: Overlay | undefined;

async function perform(root: string, doing: Doing): Promise<unknown> {
  if (doing.kind === "open") {
    overlay = await openOverlay(root, { draft: doing.draft });
    return undefined;
  }
  if (doing.kind === "recover") {
    const other = await openOverlay(root);
    await other.close();
    return other.recovered.outcome;
  }
  if (overlay === undefined) throw new Error(`nothing is open for ${doing.kind}`);
  const request = { lockWaitMs: 20 };
  switch (doing.kind) {
    case "edit": {
      const before = treeOf(filesOf(overlay), root);
      change(filesOf(overlay), root, doing.edit as Edit, () => doing.lines.shift() ?? "");
      return before;
    }
    case "save":
      await overlay.saveDraft();
      return undefined;
    case "discard":
      await overlay.discard();
      return undefined;
    case "close": {
      const closing = overlay;
      overlay = undefined;
      await closing.close({ settle: doing.settle });
      return undefined;
    }
    case "commit": {
      const some = { ...request, ...doing.selection };
      const attempt =
        doing.how === "plain"
          ? overlay.commit(some)
          : doing.how === "force"
            ? overlay.commitForce(some)
            : overlay.commitWith(mergingResolver(), some);
      await attempt;
      return (await overlay.diff()).changes.length;
    }
    case "undo":
      await overlay.undo({ ...request, count: doing.count });
      return undefined;
    case "redo":
      await overlay.redo(request);
      return undefined;
    case "restore": {
      const paths = doing.paths === undefined ? {} : { paths: doing.paths };
      await overlay.restore({ ...request, checkpoint: doing.checkpoint, ...paths });
      return undefined;
    }
    case "plan":
      return overlay.plan();
    case "apply":
      await overlay.applyPlan(doing.plan, request);
      return undefined;
    case "gc":
      return overlay.collectGarbage({ operations: doing.keep });
    case "verify":
      return overlay.verify();
    case "read": {
      const log = await overlay.log();
      for (const { manifest } of log) {
        const name = `@${manifest.sequence}`;
        await overlay.show(name);
        await overlay.compare(name);
      }
      return log.length;
    }
  }
}

function filesOf({ fs: files }: Overlay): Files {
  return files as unknown as Files;
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  ({ stop } = request);
  changes = 0;
  let end: Pick<Extract<Reply, { kind: "done" }>, "value" | "error">;
  try {
    end = { value: await perform(request.root, request.doing) };
  } catch (error) {
    const { code, message, stack } = error as NodeJS.ErrnoException;
    end = {
      error: { code: isDraftError(error) ? error.code : undefined, message, stack, errno: code },
    };
  }
  stop = undefined;
  const view = overlay && treeOf(filesOf(overlay), request.root);
  say({ kind: "done", ...end, view, changes });
}
