import { KIB } from "../../limits.ts";
import type { ForeignLibrary } from "./foreign-library.ts";

/**
 * The names in an open directory that has not been read yet, by getdents64(2), without `.` and
 * `..`, in the order of their bytes.
 *
 * @param bytesMax of what the kernel says of them, some 32 for each.
 * @returns `undefined` where they are more, or not all of them ASCII, or where that cannot be told
 *   like this.
 */
export type NamesIn = (directory: number, bytesMax: number) => string[] | undefined;

export function namesIn({ find, addressOf }: ForeignLibrary): NamesIn {
  const getdents64 = find("long getdents64(int, uintptr_t, size_t)");
  const bytes = Buffer.allocUnsafeSlow(entriesBytes) as SlicedBuffer;
  const address = addressOf(bytes);
  return (directory, bytesMax) => {
    if (getdents64 === undefined) return undefined;
    const names: string[] = [];
    for (let leftBytes = bytesMax; ; ) {
      const length = getdents64(directory, address, Math.min(bytesMax, entriesBytes));
      // Of ASCII the order of code units is that of bytes.
      if (length === 0) return names.sort();
      leftBytes -= length;
      if (length < 0 || leftBytes < 0 || !addNames(names, bytes, length)) return undefined;
    }
  };
}

/** What one call fills. */
const entriesBytes = 32 * KIB;

/** `toString` takes a tenth of a listing longer; the type library does not know what it calls. */
type SlicedBuffer = Buffer & { latin1Slice(start: number, end: number): string };

/** Offsets in `struct linux_dirent64`: of its length and its name. */
const lengthAt = 16;
const nameAt = 19;

/** @returns whether all names are ASCII. */
function addNames(names: string[], bytes: SlicedBuffer, length: number): boolean {
  for (let at = 0; at < length; at += bytes.readUInt16LE(at + lengthAt)) {
    const start = at + nameAt;
    let end = start;
    for (let byte = bytes[end] ?? 0; byte !== 0; byte = bytes[end] ?? 0) {
      if (byte > 127) return false;
      end += 1;
    }
    const name = bytes.latin1Slice(start, end);
    if (name !== "." && name !== "..") names.push(name);
  }
  return true;
}
