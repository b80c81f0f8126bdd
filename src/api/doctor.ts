import { checkOptions } from "../check-options.ts";
import { checkRoot } from "../disk/check-root.ts";
import { examineSandbox, type SandboxReport } from "../sandbox/doctor.ts";
import { draftsNames } from "./option-names.ts";

/**
 * Finds out what isolation this system offers for a directory, by trying, and what would improve
 * it.
 *
 * @throws {DraftError} as `openOverlay` for the root.
 */
export async function doctor(
  directory: string,
  options: { readonly force?: boolean } = {},
): Promise<SandboxReport> {
  checkOptions("doctor", options, draftsNames);
  return examineSandbox(checkRoot(directory, options));
}
