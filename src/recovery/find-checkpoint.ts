import { invalid } from "../check-options.ts";
import { type Checkpoint, checkpoints } from "../commit/checkpoint/operation-log.ts";
import { DraftError } from "../errors.ts";
import type { ObjectStore } from "../objects/object-store.ts";

/** Fewest digits of an object id that name a checkpoint; shorter ones are sequence numbers. */
const prefixDigitsMin = 6;

/**
 * Finds the checkpoint that a user names.
 *
 * @param name `latest`, a sequence number as the log shows it (`@12`; `12` and `#12` too), or the
 *   first six or more digits of the id of its operation or of its commit on `main`.
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when there is none, or more than one.
 */
export function findCheckpoint(store: ObjectStore, name: string): Checkpoint {
  if (typeof name !== "string") {
    throw invalid(`A checkpoint is named by a string such as "latest", not by ${String(name)}.`);
  }
  const found = [...matchesOf(store, name)];
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const [newest] = checkpoints(store);
  const absent = newest === undefined ? "nothing was committed yet" : "there is none of that name";
  const reason = found.length === 0 ? absent : `${found.length} begin like that`;
  throw new DraftError(
    "DRAFT_CHECKPOINT_MISSING",
    `Cannot find checkpoint ${JSON.stringify(name)}: ${reason}. See draftfs log.`,
    { details: { name } },
  );
}

function* matchesOf(store: ObjectStore, name: string): Generator<Checkpoint> {
  const sequence = /^[@#]?(\d{1,15})$/.exec(name)?.[1];
  const isPrefix = name.length >= prefixDigitsMin && /^[0-9a-f]{6,40}$/.test(name);
  for (const checkpoint of checkpoints(store)) {
    const { id, manifest } = checkpoint;
    const isNamed =
      name === "latest" ||
      manifest.sequence === Number(sequence) ||
      (isPrefix && (id.startsWith(name) || manifest.main.startsWith(name)));
    if (isNamed) yield checkpoint;
    if (isNamed && (name === "latest" || !isPrefix)) return;
  }
}
