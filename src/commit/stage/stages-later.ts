import { backgroundFilesMin, journalSlotBytes, packedContentBytesMax } from "../../limits.ts";
import type { JournalState } from "../journal/journal.ts";
import type { CommitOptions } from "../options.ts";
import { packBytesOf } from "../plan/pack-bytes.ts";
import type { FittedPlan } from "./fit-plan.ts";

/**
 * Whether the files of an operation are created only while its commit point is waited for: when
 * record and pack are expected to fit into a slot, nothing needs a staged file before. Should one
 * then not come about, the record is taken out of its slot again.
 *
 * Not so many that a thread creates them beside all else; not in a root of layers, where staged
 * files are looked at earlier; nor what no pack holds.
 */
export function stagesLater(
  { plan, isLayered }: FittedPlan,
  { slot }: JournalState,
  { durability = "durable" }: CommitOptions,
): boolean {
  if (durability !== "durable" || slot === undefined || isLayered) return false;
  if (plan.staged.length >= backgroundFilesMin) return false;
  const { slotBytes } = slot.free.layout;
  // Half of it for the record, whose size is known late.
  if (packBytesOf(plan) > Math.min(slotBytes, journalSlotBytes) / 2) return false;
  return plan.staged.every(({ after }) => (after.content?.size ?? 0) <= packedContentBytesMax);
}
