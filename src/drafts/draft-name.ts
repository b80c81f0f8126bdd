import { DraftError } from "../errors.ts";

const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Checks the name of a draft: it becomes a directory name, so it may hold 1 to 64 letters, digits,
 * dots, dashes and underscores, and starts with a letter or digit.
 *
 * @throws {DraftError} `DRAFT_DRAFT_NAME`.
 */
export function checkDraftName(name: string): string {
  if (pattern.test(name)) return name;
  throw new DraftError(
    "DRAFT_DRAFT_NAME",
    `Cannot use ${JSON.stringify(name)} as the name of a draft: use 1 to 64 letters, digits, ` +
      '".", "-" or "_", starting with a letter or digit.',
  );
}

/** Whether `name` could be the name of a draft. */
export function isDraftName(name: string): boolean {
  return pattern.test(name);
}
