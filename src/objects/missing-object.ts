import type { Disk } from "../disk/disk.ts";
import { DraftError } from "../errors.ts";
import { alternatesOf } from "./alternates.ts";
import type { ObjectId } from "./object-id.ts";

/** The error for an object that a repository does not hold, with the reason where one shows. */
export function missingObject(disk: Disk, repository: string, oid: ObjectId): DraftError {
  return new DraftError(
    "DRAFT_CHECKPOINT_MISSING",
    `Cannot find object ${oid} in ${repository}: ${reasonIn(disk, repository)}.`,
    { path: repository, details: { oid } },
  );
}

function reasonIn(disk: Disk, repository: string): string {
  const [missing] = alternatesOf(disk, `${repository}/objects`).missing;
  if (missing !== undefined) {
    return (
      `its objects/info/alternates names ${missing}, which is not there. Bring that back, then ` +
      "make the store independent of it (git repack -a, and remove the file)"
    );
  }
  if (isPartialClone(disk, repository)) {
    return (
      "it is a partial clone, which leaves objects out until git asks for them. Fetch all of " +
      "them (git fetch --refetch --no-filter)"
    );
  }
  return "it was never stored or has been pruned";
}

function isPartialClone(disk: Disk, repository: string): boolean {
  const path = `${repository}/config`;
  if (disk.lstat(path)?.kind !== "file") return false;
  return /^\s*(promisor\s*=\s*true|partialclone\s*=)/im.test(disk.readFile(path).toString("utf8"));
}
