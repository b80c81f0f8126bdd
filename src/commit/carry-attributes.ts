import type { Disk } from "../disk/disk.ts";

/**
 * Attributes that are about the old bytes (what the kernel takes away at a write, and hashes of the
 * content) or belong to an overlayfs.
 */
const leftBehind = /^(security\.(capability|ima|evm)|trusted\.overlay\..*)$/;

/**
 * Gives a staged file the extended attributes of the file that it will replace: user attributes,
 * access lists, labels. Where the disk cannot tell of any, there are none to give.
 */
export function carryAttributes(
  { attributes }: Disk,
  replaced: string,
  staged: string,
): { readonly carried: number; readonly lost: readonly string[] } {
  const found = attributes?.read(replaced);
  if (attributes === undefined || found === undefined) return nothing;
  const wanted = [...found].filter(([name]) => !leftBehind.test(name));
  const lost = wanted.filter(([name, value]) => !attributes.write(staged, name, value));
  // What may not be set may have come by itself, as labels do.
  const own = lost.length === 0 ? undefined : attributes.read(staged);
  const missing = lost.filter(([name, value]) => {
    const given = own?.get(name);
    return given === undefined || Buffer.compare(given, value) !== 0;
  });
  return { carried: wanted.length - lost.length, lost: missing.map(([name]) => name) };
}

const nothing = { carried: 0, lost: [] };
