import { checkOptions } from "../check-options.ts";
import { usingState } from "../commit/lock/state-access.ts";
import { checkRoot } from "../disk/state/check-root.ts";
import { hasStateDirectory, stateDirectoryOf } from "../disk/state/state-directory.ts";
import { diskOf } from "../disk/state/state-disk.ts";
import * as list from "../drafts/draft-list.ts";
import { draftsNames } from "./option-names.ts";

/** How to name the root of drafts. */
export interface DraftsOptions {
  /** Allows `/`, the home directory and a directory inside another root. False by default. */
  readonly force?: boolean;
  /** For root: removes a draft whoever the state directory belongs to. False by default. */
  readonly trustOwner?: boolean;
}

/**
 * The saved drafts of a directory, by name.
 *
 * @throws {DraftError} as `openOverlay` for the root and its state directory.
 */
export async function listDrafts(
  directory: string,
  options: DraftsOptions = {},
): Promise<readonly list.DraftSummary[]> {
  checkOptions("listDrafts", options, draftsNames);
  const state = stateDirectoryOf(checkRoot(directory, options));
  const disk = diskOf(state);
  return usingState(state, "read", () => hasStateDirectory(disk, state))
    ? list.listDrafts(disk, state)
    : [];
}

/**
 * Removes a saved draft, whether it can be read or not.
 *
 * @returns whether there was one.
 * @throws {DraftError} as `openOverlay` for the root; `DRAFT_DRAFT_NAME`, `DRAFT_LOCKED` when a
 *   process uses it; `DRAFT_STATE_UNTRUSTED` to the superuser, in the state directory of somebody
 *   else.
 */
export async function removeDraft(
  directory: string,
  name: string,
  options: DraftsOptions = {},
): Promise<boolean> {
  checkOptions("removeDraft", options, draftsNames);
  const state = stateDirectoryOf(checkRoot(directory, options));
  const disk = diskOf(state, { trustsOwner: options.trustOwner === true });
  return usingState(state, "read", () => hasStateDirectory(disk, state))
    ? list.removeDraft(disk, state, name)
    : false;
}
