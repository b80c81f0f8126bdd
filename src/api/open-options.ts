import type { AgentName } from "../config/agent-profile.ts";
import type { MeasuringOptions } from "../metrics/meter.ts";
import type { PolicyOptions } from "../overlay/layer.ts";
import type { SessionOptions } from "../sandbox/session-options.ts";

/**
 * How to open an overlay; all of it optional. An `observer` hears of every commit, undo, redo,
 * restore, plan that is applied, check, collection, recovery and command, tracked as the
 * configuration of the root says.
 */
export interface OpenOverlayOptions extends MeasuringOptions {
  /** Allows `/`, the home directory and a directory inside another root. False by default. */
  readonly force?: boolean;
  /**
   * Name of a draft: what is pending is loaded from it, and kept in it by `saveDraft()`. Without a
   * name nothing outlives the process but what is committed.
   */
  readonly draft?: string;
  /** Loads the draft without holding it, so that others may use it. It cannot be saved then. */
  readonly readOnly?: boolean;
  /**
   * For root: goes by the state directory, and writes to it, whoever it belongs to. False by
   * default: nothing can be changed then where others could have put something there to be carried
   * out, but for the user who has called `sudo`.
   */
  readonly trustOwner?: boolean;
  /**
   * Opens with the defaults where the configuration files are wrong, so that one of them cannot
   * keep its own commit from being undone; `overlay.configProblem` tells. False by default.
   */
  readonly ignoreBadConfig?: boolean;
  /**
   * Bytes of content held in memory before it spills to disk; `memory_limit` of the configuration
   * (100 MiB) by default.
   */
  readonly memoryLimitBytes?: number;
  /**
   * The agent that works over it, whose section of `agent_optimization_config.yaml` holds for
   * engines, tools and commands; without one nothing is held back.
   */
  readonly agent?: AgentName;
  /** What code that uses the overlay may reach; everything below the root by default. */
  readonly policy?: PolicyOptions;
  /**
   * `"serializable"` makes a commit conflict also when something that was only *read* through the
   * overlay has changed on the disk since; reading is slower then. Default: `"snapshot"`, which
   * looks at what is written.
   */
  readonly isolation?: "snapshot" | "serializable";
  /**
   * When what was committed is made durable in the tree itself, by a syncfs, and not only by its
   * journal: `"early"` begins right after each commit, so that the next one need not wait for it,
   * and keeps the process alive until it is done; `"late"` leaves it to the next commit or to
   * `close`. `"early"` by default.
   */
  readonly settle?: "early" | "late";
  /** How commands are run; see {@link SessionOptions}. */
  readonly sandbox?: SessionOptions;
}
