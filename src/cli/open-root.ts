import { join } from "node:path";
import { NodeDisk } from "../disk/node/node-disk.ts";
import { stateDirectoryName } from "../disk/state/state-directory.ts";
import { type OpenOverlayOptions, type Overlay, openOverlay } from "../index.ts";
import type { Measurement } from "../metrics/measurement.ts";
import type { CommandContext, CommonOptions } from "./command-context.ts";
import { rootOf } from "./root-of.ts";
import { syncLater } from "./sync-later.ts";
import { printable } from "./terminal.ts";
import { countText, durationText } from "./view/quantities.ts";

/** What is done with an open root; it writes to the context that it is given. */
export type Use<Result> = (overlay: Overlay, context: CommandContext) => Promise<Result>;

/**
 * Opens the root and the draft that the options name, tells of a recovery that this brought about,
 * and closes both when `use` is done with them.
 */
export async function withOverlay<Result>(
  context: CommandContext,
  options: CommonOptions,
  use: Use<Result>,
  access: Pick<OpenOverlayOptions, "readOnly" | "sandbox"> = {},
): Promise<Result> {
  const draft = draftNameOf(options);
  return withRoot(context, options, () => ({ draft, ...access }), use);
}

/**
 * Like {@link withOverlay}, for what has nothing to do where no state directory is: there it only
 * looks, so that no root is made of a directory.
 */
export async function withPending<Result>(
  context: CommandContext,
  options: CommonOptions,
  use: Use<Result>,
): Promise<Result> {
  const draft = draftNameOf(options);
  const access = (root: string): OpenOverlayOptions => ({
    draft,
    readOnly: new NodeDisk().lstat(join(root, stateDirectoryName)) === undefined,
  });
  return withRoot(context, options, access, use);
}

/**
 * Like {@link withOverlay}, for commands that look at checkpoints and at no draft. A configuration
 * that is wrong only makes them warn, so that its own commit can be undone, unless `access` says
 * that it counts.
 */
export function withHistory<Result>(
  context: CommandContext,
  options: CommonOptions,
  use: Use<Result>,
  access: Pick<OpenOverlayOptions, "ignoreBadConfig"> = { ignoreBadConfig: true },
): Promise<Result> {
  return withRoot(context, options, () => access, use);
}

/** The draft that the options name, or `DRAFTFS_DRAFT` where it is not set to nothing. */
export function draftNameOf(options: CommonOptions): string {
  return options.draft ?? (process.env["DRAFTFS_DRAFT"] || "main");
}

async function withRoot<Result>(
  context: CommandContext,
  options: CommonOptions,
  openOptions: (root: string) => OpenOverlayOptions,
  use: Use<Result>,
): Promise<Result> {
  const force = options.force === true ? { force: true } : {};
  const measurements: Measurement[] = [];
  const root = rootOf(context, options);
  const overlay = await openOverlay(root, {
    ...openOptions(root),
    ...force,
    ...(options.trustOwner === true ? { trustOwner: true } : {}),
    // A process of its own does that, so that nobody waits for it.
    settle: "late",
    observer: (measurement) => measurements.push(measurement),
  });
  try {
    announceRecovery(context, overlay);
    const { configProblem } = overlay;
    if (configProblem !== undefined) {
      const lines = configProblem.message.split("\n").map(printable);
      context.err.write(`${lines.join("\n")}\nGoing on with the defaults.\n`);
    }
    return await use(overlay, tellingOf(overlay, context));
  } finally {
    const isOwing = overlay.owesSettling;
    await overlay.close({ settle: false });
    if (measurements.length > 0) {
      // Commands that only look measure nothing, and need not load this.
      const { keepMeasurements } = await import("./keep-measurements.ts");
      await keepMeasurements(context, overlay, measurements);
    }
    if (isOwing) syncLater(overlay.root);
  }
}

/** Documents tell of a recovery too, whatever else they are about. */
function tellingOf({ recovered }: Overlay, context: CommandContext): CommandContext {
  if (recovered.outcome === "clean") return context;
  const { out } = context;
  const json = (value: object): void => out.json({ ...value, recovered });
  return { ...context, out: { ...out, json } };
}

const outcomes = {
  finished: "Finished a commit that was interrupted",
  "taken-back": "Took back a commit that had failed and was interrupted",
  lost: "Gave up a commit that a loss of power has torn",
} as const;

/** A commit that was cut off is finished or taken back by whoever opens the root next. */
function announceRecovery({ err }: CommandContext, { recovered }: Overlay): void {
  if (recovered.outcome === "clean") return;
  if (recovered.outcome === "refused") {
    err.write("Left a commit as it is that was interrupted: files may be as before it or after.\n");
  } else {
    const steps = countText(recovered.redone, "step");
    const took = durationText(recovered.elapsedMs);
    err.write(`${outcomes[recovered.outcome]}: ${steps} in ${took}.\n`);
  }
  for (const advice of recovered.leftToPerson) err.write(`  ${printable(advice)}\n`);
}
