import { checkOptions } from "../check-options.ts";
import { checkRoot } from "../disk/state/check-root.ts";
import { examineSandbox, type SandboxReport } from "../sandbox/doctor.ts";
import { doctorNames } from "./option-names.ts";

/** How to name the root that is examined. */
export interface DoctorOptions {
  /** Allows `/`, the home directory and a directory inside another root. False by default. */
  readonly force?: boolean;
}

/**
 * Finds out what isolation this system offers for a directory, by trying, and what would improve
 * it.
 *
 * @throws {DraftError} as `openOverlay` for the root.
 */
export async function doctor(
  directory: string,
  options: DoctorOptions = {},
): Promise<SandboxReport> {
  checkOptions("doctor", options, doctorNames);
  return examineSandbox(checkRoot(directory, options));
}
