import type { SessionOptions } from "../sandbox/session-options.ts";

/** How to open an overlay; all of it optional. */
export interface OpenOverlayOptions {
  /** Allows `/` and the home directory as root. False by default. */
  readonly force?: boolean;
  /**
   * Name of a draft: what is pending is loaded from it, and kept in it by `saveDraft()`. Without a
   * name nothing outlives the process but what is committed.
   */
  readonly draft?: string;
  /** Loads the draft without holding it, so that others may use it. It cannot be saved then. */
  readonly readOnly?: boolean;
  /** How commands are run; see {@link SessionOptions}. */
  readonly sandbox?: SessionOptions;
}
