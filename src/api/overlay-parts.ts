import type { CommitStore } from "../commit/commit-store.ts";
import type { RecoveryReport } from "../commit/recover/recover.ts";
import type { Draft } from "../drafts/draft.ts";
import type { DraftCommand } from "../drafts/draft-command.ts";
import type { Meter } from "../metrics/meter.ts";
import type { Layer } from "../overlay/layer.ts";
import type { SessionOptions } from "../sandbox/session-options.ts";
import type { OverlaySettings } from "./settings.ts";

/** What `openOverlay` composes an overlay of. */
export interface OverlayParts {
  readonly layer: Layer;
  readonly store: CommitStore;
  readonly draft: Draft | undefined;
  readonly sandbox: SessionOptions;
  readonly recovered: RecoveryReport;
  readonly settings: OverlaySettings;
  readonly meter: Meter;
  /** Commands that made what is pending already. */
  readonly commands: readonly DraftCommand[];
}
