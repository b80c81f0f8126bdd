import { NodeDisk } from "../../disk/node/node-disk.ts";
import { checkRoot } from "../../disk/state/check-root.ts";
import { listDrafts } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { ProjectWatch } from "../dashboard/project-watch.ts";
import { serveDashboard } from "../dashboard/server.ts";
import { exitCodes } from "../exit-codes.ts";
import { rootOf } from "../root-of.ts";
import { printable } from "../terminal.ts";

interface DashboardOptions extends CommonOptions {
  readonly port: number;
  readonly host: string;
}

/** `draftfs dashboard`: figures and alerts of a root in a browser, until it is interrupted. */
export async function execute(
  context: CommandContext,
  { port, host, ...options }: DashboardOptions,
): Promise<number> {
  const { out, err } = context;
  const force = options.force === true ? { force: true } : {};
  const root = checkRoot(rootOf(context, options), force);
  // A state directory that cannot be read, or is of a newer version, is refused as everywhere.
  await listDrafts(root, force);
  const watch = new ProjectWatch({ root, disk: new NodeDisk() });
  await watch.look();
  if (watch.configProblem !== undefined) throw watch.configProblem;
  const interrupted = nextSignal();
  await using dashboard = await serveDashboard(watch, { host, port });
  const { url } = dashboard;
  if (options.json === true) {
    out.write(`${JSON.stringify({ url, root, host, port: dashboard.port })}\n`);
  } else {
    out.write(`${url}\n`);
    err.write(`draftfs: the dashboard of ${printable(root)}. Ctrl-C ends it.\n`);
  }
  if (dashboard.isExposed) {
    err.write(
      `draftfs: ${err.paint("yellow", "warning")}: others can reach it. Who knows the address ` +
        "reads names of files and figures of this root, and so does who listens on the way: it " +
        "is not encrypted. A tunnel (ssh -L) to 127.0.0.1 is safer.\n",
    );
  }
  await interrupted;
  return exitCodes.ok;
}

/** Resolves when this process is told to end; the next signal ends it at once. */
function nextSignal(): Promise<void> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  return new Promise((resolve) => {
    const end = (): void => {
      for (const signal of signals) process.off(signal, end);
      resolve();
    };
    for (const signal of signals) process.on(signal, end);
  });
}
