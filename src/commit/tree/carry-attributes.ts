import type { Disk, DiskAttributes } from "../../disk/disk.ts";
import type { ExtendedAttributes } from "../../disk/native/native-calls.ts";

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
  return give(attributes, withoutLeftBehind(found), staged);
}

const nothing = { carried: 0, lost: [] };

/** What of the extended attributes of a node another one in its place is to have, if anything. */
export function carriedAttributes(
  { attributes }: Disk,
  path: string,
): ExtendedAttributes | undefined {
  const wanted = withoutLeftBehind(attributes?.read(path) ?? []);
  return wanted.length === 0 ? undefined : new Map(wanted);
}

/** As the journal record keeps them. */
export function encodeAttributes(attributes: ExtendedAttributes): Record<string, string> {
  const encoded = [...attributes].map(([name, value]) => {
    return [name, Buffer.from(value).toString("base64")] as const;
  });
  return Object.fromEntries(encoded);
}

/**
 * Gives a node what {@link encodeAttributes} kept.
 *
 * @returns the names of those that it could not be given.
 */
export function giveEncoded(
  { attributes }: Disk,
  encoded: Readonly<Record<string, string>>,
  path: string,
): readonly string[] {
  if (attributes === undefined) return Object.keys(encoded);
  const wanted = Object.entries(encoded).map(([name, value]) => {
    return [name, new Uint8Array(Buffer.from(value, "base64"))] as const;
  });
  return give(attributes, wanted, path).lost;
}

type Attribute = readonly [name: string, value: Uint8Array];

function withoutLeftBehind(found: Iterable<Attribute>): Attribute[] {
  return [...found].filter(([name]) => !leftBehind.test(name));
}

function give(
  attributes: DiskAttributes,
  wanted: readonly Attribute[],
  staged: string,
): { readonly carried: number; readonly lost: readonly string[] } {
  const lost = wanted.filter(([name, value]) => !attributes.write(staged, name, value));
  // What may not be set may have come by itself, as labels do.
  const own = lost.length === 0 ? undefined : attributes.read(staged);
  const missing = lost.filter(([name, value]) => {
    const given = own?.get(name);
    return given === undefined || Buffer.compare(given, value) !== 0;
  });
  return { carried: wanted.length - lost.length, lost: missing.map(([name]) => name) };
}
