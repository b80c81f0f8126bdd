import type { TreePath } from "../disk/tree-path.ts";
import type { CheckFinding } from "./checks/check-finding.ts";

/** What a commit could not carry over, for the warnings of its receipt. */
export class Losses {
  readonly findings: CheckFinding[] = [];

  /** Notes extended attributes that replaced nodes had and the new ones may not be given. */
  addAttributes(path: TreePath, names: readonly string[]): void {
    if (names.length === 0) return;
    const list = names.join(", ");
    const message = `its extended attributes ${list} could not be given to what is in its place`;
    this.findings.push({ path, check: "attributes", severity: "warning", message });
  }

  /** Notes what a node did not get of its owner and mode; nothing where it got all. */
  addOwner(path: TreePath, message: string | undefined): void {
    if (message === undefined) return;
    this.findings.push({ path, check: "owner", severity: "warning", message });
  }
}
