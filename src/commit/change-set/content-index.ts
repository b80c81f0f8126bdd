import type { Stamp } from "../../disk/stamp.ts";
import { contentIndexEntriesMax } from "../../limits.ts";
import type { ObjectId } from "../../objects/object-id.ts";

/**
 * The content ids of files that this process has read, by their stamps.
 *
 * An overlay knows the files that it changes by stamp alone. When a commit of them fails and is
 * taken back, they lie there again byte for byte, but as other inodes; by what is noted here the
 * next attempt sees that nothing has changed.
 */
export class ContentIndex {
  readonly #oids = new Map<string, ObjectId>();

  find(stamp: Stamp): ObjectId | undefined {
    return this.#oids.get(keyOf(stamp));
  }

  note(stamp: Stamp, oid: ObjectId): void {
    if (this.#oids.size >= contentIndexEntriesMax) this.#oids.clear();
    this.#oids.set(keyOf(stamp), oid);
  }
}

function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: Stamp): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}
