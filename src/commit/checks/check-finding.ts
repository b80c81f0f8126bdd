import type { TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import type { Purpose } from "../purpose.ts";

/**
 * How much a commit looks at before and after it writes (`validation_level`).
 *
 * - `minimal`: the tree is what the changes are based on, paths are sound, the lock is held
 * - `normal`: also whether directories can be changed and there is room; one call a directory
 * - `strict`: also what the new content looks like, and whether what was written can be read back
 *   byte for byte, with its mode, before anything is decided; one read a file
 */
export type CheckLevel = "strict" | "normal" | "minimal";

/**
 * The parts of the checks beyond `minimal`, each named as the key of `safety.validation` that
 * switches it off: the look at directories and room, the one at new content, the reading back.
 */
export type CheckPart = "pre_write" | "content_validation" | "post_write";

/** Something that a check has noticed. Errors refuse the commit, warnings come with its receipt. */
export interface CheckFinding {
  readonly path: TreePath;
  readonly check:
    | "permission"
    | "space"
    | "encoding"
    | "structure"
    | "characters"
    | "size"
    | "attributes"
    | "owner"
    | "names";
  readonly severity: "error" | "warning";
  /** What is the matter, to be read after the path. */
  readonly message: string;
}

/** How many findings a message names; the error's details have them all. */
const namedFindingsMax = 5;

/** @throws {DraftError} `DRAFT_CHECK_FAILED` when there are errors among the findings. */
export function refuseErrors(findings: readonly CheckFinding[], { verb, kept }: Purpose): void {
  const errors = findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (first === undefined) return;
  const named = errors
    .slice(0, namedFindingsMax)
    .map(({ path, message }) => `${JSON.stringify(path || ".")}: ${message}`);
  throw new DraftError(
    "DRAFT_CHECK_FAILED",
    `Cannot ${verb}: ${named.join("; ")}. Nothing was changed${kept}.`,
    {
      path: first.path,
      details: { level: "operation_failure", operation: verb, findings: errors },
    },
  );
}
