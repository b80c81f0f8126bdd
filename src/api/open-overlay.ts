import { checkOptions } from "../check-options.ts";
import { checkpoints } from "../commit/checkpoint/operation-log.ts";
import { type CommitStore, closeCommitStore, openCommitStore } from "../commit/commit-store.ts";
import { usingState } from "../commit/lock/state-access.ts";
import { clean, type RecoveryReport } from "../commit/recover/recover.ts";
import { lookIfWhole } from "../commit/recover/recovery-due.ts";
import { meterOf } from "../config/meter-of.ts";
import { checkRoot } from "../disk/state/check-root.ts";
import {
  ensureStateDirectory,
  hasStateDirectory,
  stateDirectoryOf,
} from "../disk/state/state-directory.ts";
import { diskOf } from "../disk/state/state-disk.ts";
import { Draft } from "../drafts/draft.ts";
import { isDraftError } from "../errors.ts";
import { Meter } from "../metrics/meter.ts";
import { type Layer, openLayer } from "../overlay/layer.ts";
import { recoverRoot } from "../recovery/recover-root.ts";
import type { OpenOverlayOptions } from "./open-options.ts";
import { reportOfCheck } from "./operation-reports.ts";
import { openNames } from "./option-names.ts";
import { Overlay } from "./overlay.ts";
import { type OverlaySettings, readSettings } from "./settings.ts";

/**
 * Opens an overlay over a directory. Reads nothing but the directory itself and, where there is
 * one, its state directory; an operation that a killed process left half done is finished or taken
 * back first.
 *
 * @param directory the root; its real path counts.
 * @throws {DraftError} `DRAFT_ROOT_MISSING`, `DRAFT_ROOT_NOT_DIRECTORY`, `DRAFT_ROOT_UNREADABLE`,
 *   `DRAFT_ROOT_GUARDED`, `DRAFT_ROOT_NESTED`; `DRAFT_FORMAT_NEWER`, `DRAFT_FORMAT_CORRUPT`,
 *   `DRAFT_STATE_UNUSABLE`, `DRAFT_STATE_UNTRUSTED` for the state directory; `DRAFT_CONFIG`;
 *   `DRAFT_DRAFT_NAME`, `DRAFT_LOCKED` for the draft.
 */
export async function openOverlay(
  directory: string,
  options: OpenOverlayOptions = {},
): Promise<Overlay> {
  checkOptions("openOverlay", options, openNames);
  const root = checkRoot(directory, options);
  const state = stateDirectoryOf(root);
  const trustsOwner = options.trustOwner === true;
  const disk = diskOf(state, { trustsOwner });
  // Making it later would change the root, which may have been read by then.
  if (options.isolation === "serializable") {
    usingState(state, "write to", () => ensureStateDirectory(disk, state));
  } else usingState(state, "read", () => hasStateDirectory(disk, state));
  const before = await readSettings(disk, state, options.agent);
  const store = openCommitStore(disk, state, {
    recoveryAttempts: before.recoveryAttempts,
    settlesEarly: options.settle !== "late",
    trustsOwner,
  });
  const recovered = await recoverUnlessBusy(store);
  // What was recovered may have been a configuration file.
  const settings = hasRecovered(recovered)
    ? await readSettings(disk, state, options.agent)
    : before;
  if (settings.problem !== undefined && options.ignoreBadConfig !== true) {
    closeCommitStore(store);
    throw settings.problem;
  }
  const layer = openLayer({
    root,
    trustsOwner,
    memoryLimitBytes: options.memoryLimitBytes ?? settings.memoryLimitBytes,
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
  });
  try {
    const draft = await openDraft(store, layer, options);
    const sandbox = options.sandbox ?? {};
    const commands = draft?.commands ?? [];
    const meter = meterFor(options, settings);
    noteRecovery(meter, recovered);
    return new Overlay({ layer, store, draft, recovered, sandbox, settings, commands, meter });
  } catch (error) {
    layer.close();
    closeCommitStore(store);
    throw error;
  }
}

/** The meter that was given, else one that tracks what the configuration says. */
function meterFor({ meter, observer }: OpenOverlayOptions, { values }: OverlaySettings): Meter {
  if (meter !== undefined) return meter;
  return observer === undefined ? new Meter() : meterOf(values, observer);
}

function noteRecovery(meter: Meter, recovered: RecoveryReport): void {
  if (!hasRecovered(recovered)) return;
  const { outcome, elapsedMs } = recovered;
  const report = reportOfCheck({
    recoveryMs: elapsedMs,
    ...(outcome === "taken-back" ? { rollback: "done" } : {}),
  });
  meter.note({ name: "recover", sizeBytes: 0 }, elapsedMs, report);
}

/** Whether opening has changed the tree. */
function hasRecovered({ outcome }: RecoveryReport): boolean {
  return outcome !== "clean" && outcome !== "refused";
}

/** Readers never wait: an operation that is just being carried out is its owner's business. */
async function recoverUnlessBusy(store: CommitStore): Promise<RecoveryReport> {
  const started = performance.now();
  const last = lookIfWhole(store);
  if (last !== undefined) return clean(last.sequence, started);
  const untouched = clean(0, started);
  try {
    return (await recoverRoot(store, { waitMs: 0 }))?.journal ?? untouched;
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_LOCKED") return untouched;
    if (isDraftError(error) && error.code === "DRAFT_STATE_UNTRUSTED") {
      return { ...untouched, outcome: "refused", leftToPerson: [error.message] };
    }
    // The tree is whole, and can be looked at; the next change of it says what is wrong.
    if (isDraftError(error) && error.details["unpublished"] === true) {
      return { ...untouched, leftToPerson: [error.message] };
    }
    throw error;
  }
}

async function openDraft(
  store: CommitStore,
  layer: Layer,
  options: OpenOverlayOptions,
): Promise<Draft | undefined> {
  if (options.draft === undefined) return undefined;
  const lock = options.readOnly !== true;
  const { disk, state, contents } = store;
  const draft = await Draft.open(disk, state, options.draft, { lock, contents });
  try {
    if (!isSpent(store, draft)) draft.restoreInto(layer);
    else if (lock) draft.clear();
    return draft;
  } catch (error) {
    draft.close();
    throw error;
  }
}

/**
 * Whether what a draft holds has been committed already: a crash right after a commit leaves it
 * saved. A state that was saved after an operation cannot have been committed by it.
 */
function isSpent(store: CommitStore, draft: Draft): boolean {
  if (draft.token === undefined) return false;
  for (const { manifest } of checkpoints(store.objects)) {
    if (manifest.draft?.name === draft.name) return manifest.draft.token === draft.token;
  }
  return false;
}
