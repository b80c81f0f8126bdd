import { wayTo } from "../ways.ts";
import type { LimitInForce } from "./command/command-limits.ts";
import type { HarvestedChange } from "./harvest/harvested-change.ts";
import type { Workspace } from "./workspace.ts";

/** Below this many free bytes, writes of the command have failed or are about to. */
const scarceBytes = 64 * 1024;

/** What went wrong beside a command, for its result. */
export function warningsOf(workspace: Workspace, changes: readonly HarvestedChange[]): string[] {
  const warnings: string[] = [...workspace.warnings()];
  const free = workspace.freeBytes();
  if (free !== undefined && free < scarceBytes) {
    warnings.push(
      "The memory for uncommitted writes is full: the command's writes failed with ENOSPC. Raise " +
        `that limit with ${wayTo("limitWrites")}, or commit more often.`,
    );
  }
  const split = changes.filter(({ isSplit }) => isSplit === true).map(({ path }) => path);
  if (split.length > 0) {
    const files = split.length === 1 ? "1 changed file has" : `${split.length} changed files have`;
    warnings.push(
      `${files} further names on the disk, which keep the old content: ` +
        `an overlay changes one name at a time (${split.slice(0, 3).join(", ")}).`,
    );
  }
  const given = changes.filter(({ hasAttributes }) => hasAttributes === true);
  if (given.length > 0) {
    const names = given.slice(0, 3).map(({ path }) => path);
    const count = given.length === 1 ? "1 path" : `${given.length} paths`;
    warnings.push(
      `Extended attributes that were set or removed on ${count} are not taken over ` +
        `(${names.join(", ")}): set them again after the commit.`,
    );
  }
  return warnings;
}

/** The limits that a command has reached. */
export function limitWarnings(limits: readonly LimitInForce[]): string[] {
  return limits
    .filter(({ isReached }) => isReached === true)
    .map((one) => `The limit of ${one.resource} was reached: ${amountText(one)} (${one.by}).`);
}

function amountText({ resource, amount }: LimitInForce): string {
  if (resource === "time") return `${amount / 1000} s`;
  if (resource === "processor") return `${amount} s`;
  return resource === "processes" ? `${amount}` : `${amount} bytes`;
}
