import type { CommandContext } from "../command-context.ts";
import { withOverlay } from "../open-root.ts";
import { type RunRequest, runOverDraft } from "../run-over-draft.ts";
import { sessionOptionsOf } from "../sandbox-options.ts";
import { type SettleOptions, settleRun } from "../settle-run.ts";

/** `draftfs run`: a command over the draft, then the decision what becomes of its changes. */
export function execute(
  context: CommandContext,
  options: SettleOptions & RunRequest,
): Promise<number> {
  return withOverlay(
    context,
    options,
    async (overlay, telling) => {
      const savepoint = overlay.savepoint();
      const saved = await runOverDraft(telling, overlay, options);
      return settleRun(telling, overlay, { ...saved, options, savepoint });
    },
    { sandbox: sessionOptionsOf(options) },
  );
}
