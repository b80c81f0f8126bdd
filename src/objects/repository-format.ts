import type { Disk } from "../disk/disk.ts";
import { DraftError } from "../errors.ts";

/** The extensions of git's repository format that change what we read and write, and our values. */
const ours: Readonly<Record<string, string>> = { objectformat: "sha1", refstorage: "files" };

/**
 * Refuses a repository that somebody has converted: its history would look empty to us, and what we
 * added to it would be damage to git.
 *
 * @throws {DraftError} `DRAFT_UNSUPPORTED`.
 */
export function refuseForeignFormat(disk: Disk, repository: string): void {
  const path = `${repository}/config`;
  if (disk.lstat(path)?.kind !== "file") return;
  for (const [name, value] of extensionsIn(disk.readFile(path).toString("utf8"))) {
    const own = ours[name];
    if (own === undefined || value === own) continue;
    throw new DraftError(
      "DRAFT_UNSUPPORTED",
      `Cannot use the checkpoint store ${repository}: its config says extensions.${name} = ` +
        `${value}, and draftfs knows ${own} only. Nothing was touched. Convert it back, or move ` +
        "it away: then there is nothing to undo any more.",
      { path, details: { extension: name, value } },
    );
  }
}

/** What git takes for false; to delete nothing is the safer answer to anything else. */
const falseValues: ReadonlySet<string> = new Set(["false", "no", "off", "0", ""]);

/**
 * Whether somebody has said that no object may be deleted, because others use them whose refs are
 * not here (`extensions.preciousObjects`). As with git, whatever the version of the format is.
 */
export function isPrecious(disk: Disk, repository: string): boolean {
  const path = `${repository}/config`;
  if (disk.lstat(path)?.kind !== "file") return false;
  const last = [...extensionsIn(disk.readFile(path).toString("utf8"))].findLast(
    ([name]) => name === "preciousobjects",
  );
  return last !== undefined && !falseValues.has(last[1]);
}

/** Names and values of the section `extensions`, in lower case; no value at all is true. */
function* extensionsIn(config: string): Generator<[string, string]> {
  let isSection = false;
  for (const line of config.split("\n")) {
    const [, section, rest = ""] = /^\s*\[\s*([^\]]*?)\s*\](.*)$/.exec(line) ?? [];
    if (section !== undefined) isSection = section.toLowerCase() === "extensions";
    const setting = section === undefined ? line : rest;
    const [, name, value = "true"] = /^\s*([\w-]+)\s*(?:=\s*"?([\w-]*))?/.exec(setting) ?? [];
    if (isSection && name !== undefined) yield [name.toLowerCase(), value.toLowerCase()];
  }
}
