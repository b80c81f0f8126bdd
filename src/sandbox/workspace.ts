import type { CommandLine } from "./command/command.ts";
import type { HarvestedChange } from "./harvest/harvested-change.ts";
import type { Retracted } from "./harvest/push.ts";
import type { Engine, Isolation } from "./session-options.ts";

/** A place in which commands see the tree with what is pending: what every engine provides. */
export interface Workspace {
  readonly engine: Engine;
  readonly isolation: Isolation;
  /** What this engine does differently from the real disk, for this very tree; in plain words. */
  readonly notes: readonly string[];
  readonly isAlive: boolean;
  /** Shows what is pending in the layer; see `pushPending`. */
  push(): Retracted;
  /**
   * Takes into the layer what commands changed.
   *
   * @param sinceMs when the first of them began, in milliseconds since the epoch.
   */
  harvest(isLive: boolean, sinceMs: number): HarvestedChange[];
  /** The words that run `command` in the directory `cwd` (a path of the real tree, or outside). */
  lineOf(command: readonly string[], cwd: string): CommandLine;
  /** The variables for a command, given those that it asks for. */
  environmentOf(cwd: string, extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  /** Called before a command starts: from then on the workspace may change at any time. */
  unsettle(): void;
  /** Ends all processes that commands have left behind. */
  quiesce(): Promise<void>;
  /** What is to be told after a command: wishes without effect, and work that is lost. */
  warnings(): readonly string[];
  /** Bytes that commands can still write, where there is a bound. */
  freeBytes(): number | undefined;
  /** Ends the workspace. What was harvested stays readable until `dispose`. */
  stop(): Promise<void>;
}
