import { encodePath } from "../../disk/names.ts";
import { isUnwritten, type Stamp } from "../../disk/stamp.ts";
import { type ObjectId, objectIdOf } from "../../objects/object-id.ts";

interface LinkReader {
  readlink(path: string): string;
  /** What lies at a path itself, or `undefined`. */
  stamp(path: string): Stamp | undefined;
}

/** Where the link at a path leads, if it is the one that `then` tells of. */
export function targetSince(then: Stamp, path: string, reader: LinkReader): string | undefined {
  const target = targetAt(path, reader);
  if (target === undefined) return undefined;
  // Looked at after it was read: a link leads to where it did for as long as it lives.
  const now = reader.stamp(path);
  return now !== undefined && isUnwritten(now, then) ? target : undefined;
}

/** Where the link at a path leads; `undefined` where there is none. */
export function targetAt(path: string, reader: Pick<LinkReader, "readlink">): string | undefined {
  try {
    return reader.readlink(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EINVAL" || code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** The blob id that stands for a target, as in git. */
export function linkId(target: string): ObjectId {
  return objectIdOf("blob", Buffer.from(encodePath(target)));
}
