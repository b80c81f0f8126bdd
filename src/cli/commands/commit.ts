import type { Durability } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { commitDraft } from "../commit-draft.ts";
import { withPending } from "../open-root.ts";

interface CommitCommandOptions extends CommonOptions {
  readonly paths: readonly string[];
  readonly message?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly durability?: Durability;
}

/** `draftfs commit`: all of what is pending or none of it, and a checkpoint. */
export function execute(context: CommandContext, options: CommitCommandOptions): Promise<number> {
  return withPending(context, options, (overlay, telling) =>
    commitDraft(telling, overlay, options),
  );
}
