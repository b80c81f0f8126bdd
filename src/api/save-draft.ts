import { join } from "node:path";
import type { DraftReference } from "../commit/checkpoint/manifest.ts";
import { isSystemError } from "../commit/failure.ts";
import type { Draft } from "../drafts/draft.ts";
import type { DraftCommand } from "../drafts/draft-command.ts";
import { unfinishedIn } from "../engines/stream/unfinished-streams.ts";
import { isDraftError } from "../errors.ts";
import type { Layer } from "../overlay/layer.ts";
import type { SavedDraft } from "./receipt.ts";

/**
 * Saves what is pending. Half a file would be restored as if it were all that somebody had wanted
 * to write: it is left out.
 */
export async function saveDraft(
  layer: Layer,
  draft: Draft,
  commands: readonly DraftCommand[],
): Promise<SavedDraft> {
  const unfinished = unfinishedIn(layer.fs);
  const isDone = ({ path }: { readonly path: string }) => !unfinished.has(join(layer.root, path));
  const pending = [...layer.pending()];
  await draft.save({ pending: () => pending.filter(isDone) }, commands);
  return { leftOut: pending.filter((entry) => !isDone(entry)).map(({ path }) => path) };
}

/**
 * Saves what a commit has left. What was committed is, whatever becomes of the draft: that this
 * fails is no failure of the commit.
 *
 * @returns why the draft could not be saved; `undefined` when all is well.
 */
export async function saveRest(
  layer: Layer,
  draft: Draft | undefined,
  commands: readonly DraftCommand[],
): Promise<unknown> {
  try {
    if (draft !== undefined) await saveDraft(layer, draft, commands);
    return undefined;
  } catch (error) {
    if (isDraftError(error) || isSystemError(error)) return error;
    throw error;
  }
}

/** The saved state that a commit uses up, so that a crash cannot leave it to be committed again. */
export function draftReferenceOf(draft: Draft | undefined): DraftReference | undefined {
  const token = draft?.token;
  return token === undefined || draft === undefined ? undefined : { name: draft.name, token };
}
