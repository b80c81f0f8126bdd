import { readFileSync } from "node:fs";
import { openLayer } from "../../src/overlay/layer.ts";
import { openSession } from "../../src/sandbox/session.ts";
import type { Engine } from "../../src/sandbox/session-options.ts";

/**
 * Opens a session over the root it is given, fills memory, leaves a daemon that ignores every
 * polite signal, prints its number on the host, and waits to be killed.
 */
const [root = "", engine = "overlay-user"] = process.argv.slice(2);
const layer = openLayer({ root });
const session = await openSession(layer, { engine: engine as Engine });
const script =
  "head -c 50000000 /dev/zero > big; setsid sh -c \"trap '' HUP TERM INT; while :; do sleep 1; done\" & sleep 60";
const running = await session.spawn("sh", ["-c", script], { stdio: "ignore" });
setTimeout(() => {
  const pid = running.child.pid ?? 0;
  const namespace = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
  process.stdout.write(`${JSON.stringify({ pid, namespace: namespace.trim().split(" ") })}\n`);
}, 500);
