import type { TreePath } from "../disk/tree-path.ts";

/** A command that ran over a draft, and what of its work is still pending. */
export interface DraftCommand {
  /** Its number in the draft, from 1. */
  readonly id: number;
  /** The program and its arguments. */
  readonly words: readonly string[];
  readonly startedMs: number;
  readonly elapsedMs: number;
  readonly exitCode: number;
  /** The pending paths that it changed. */
  readonly paths: readonly TreePath[];
}

/**
 * The commands in the header of a draft's index.
 *
 * @param value the field as it was read; absent where no command has run.
 * @throws {TypeError} when it is something else.
 */
export function draftCommandsOf(value: unknown): DraftCommand[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isDraftCommand)) return value;
  throw new TypeError("commands are not a list of commands");
}

function isDraftCommand(value: unknown): value is DraftCommand {
  if (typeof value !== "object" || value === null) return false;
  const { id, words, startedMs, elapsedMs, exitCode, paths } = value as Record<string, unknown>;
  return (
    [id, startedMs, elapsedMs, exitCode].every(Number.isSafeInteger) &&
    [words, paths].every(
      (list) => Array.isArray(list) && list.every((text) => typeof text === "string"),
    )
  );
}
