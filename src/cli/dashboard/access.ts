import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";

/** A secret that stands in the address: other users of this machine do not know it. */
export function newToken(): string {
  return randomBytes(24).toString("base64url");
}

/** Compares in a time that tells nothing. */
export function isToken(given: string | null, token: string): boolean {
  const digestOf = (text: string) => createHash("sha256").update(text).digest();
  return given !== null && timingSafeEqual(digestOf(given), digestOf(token));
}

/**
 * Whether a `Host` header names this machine. Elsewhere a page whose name was bound to our address
 * (DNS rebinding) could ask in the name of whoever looks at it. A numeric address was not looked
 * up, so nobody has bound it; ports are those of tunnels too.
 *
 * @param named what the user has named the machine by.
 */
export function isOwnHost(header: string | undefined, named: string): boolean {
  const [, host = ""] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(header ?? "") ?? [];
  const name = host.toLowerCase();
  if (isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0) return true;
  return ["localhost", named.toLowerCase(), hostname().toLowerCase()].includes(name);
}

/** Whether only this machine can reach an address. */
export function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}
