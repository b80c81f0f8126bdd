import type { StateDirectory } from "../../disk/state-directory.ts";

/** Variable of the environment in which a FUSE server finds its order, as JSON. */
export const serverOrderVariable = "DRAFTFS_FUSE_SERVER";

/** Name of the draft by which the owner and the server of a mount exchange what is pending. */
export const exchangeDraftName = "exchange";

/** Descriptor of `/dev/fuse` in the server. */
export const serverDevice = 3;

/** What a FUSE server is told when it is started. */
export interface ServerOrder {
  /** The real tree, which the server sees uncovered. */
  readonly root: string;
  /** Directory of the exchange draft. */
  readonly exchange: string;
  /** Looking this name up at the top of the mount saves what is pending into the exchange draft. */
  readonly control: string;
  /** Whether owners that the namespace cannot express are shown as the user's own. */
  readonly squash: boolean;
}

/** The state directory as the exchange draft sees it: its drafts lie elsewhere. */
export function exchangeStateOf(state: StateDirectory, exchange: string): StateDirectory {
  return { ...state, drafts: exchange };
}
