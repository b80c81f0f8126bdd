import { collectMetrics } from "../config/collect-metrics.ts";
import type { Overlay } from "../index.ts";
import type { Measurement } from "../metrics/measurement.ts";
import type { CommandContext } from "./command-context.ts";
import { printable } from "./terminal.ts";

/**
 * Keeps what a command has measured where the configuration says, and tells of the alerts that it
 * raised, a line each. It fails no command.
 */
export async function keepMeasurements(
  { err }: CommandContext,
  { root, collection }: Overlay,
  measurements: readonly Measurement[],
): Promise<void> {
  const { values, metricsDirectory, disk } = collection;
  const metrics = collectMetrics(values, {
    root: metricsDirectory,
    disk,
    // A command looks at the disk before it writes, and finishes what was cut off.
    watchesSystem: false,
    onAlert: ({ severity, message }) => {
      const shown = err.paint(severity === "critical" ? "red" : "yellow", severity);
      err.write(`draftfs: ${shown}: ${printable(message)}\n`);
    },
  });
  for (const measurement of measurements) metrics.observe(measurement);
  metrics.flush();
  const unsent = await metrics.mailed();
  if (unsent !== undefined) err.write(`draftfs: ${printable(unsent.message)}\n`);
  const { problem } = metrics;
  // A file that nobody has asked for is nothing to be warned of.
  if (problem === undefined || metricsDirectory !== root) return;
  err.write(`draftfs: ${printable(problem.message)}\n`);
}
