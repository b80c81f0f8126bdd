/**
 * Whether this process may go by what a user has made: its own user, or the one who became root by
 * `sudo`, who can do as root whatever could be put into root's way.
 */
export function isTrustedOwner(uid: number): boolean {
  const own = process.geteuid?.();
  if (own === undefined || own === uid) return true;
  return own === 0 && process.env["SUDO_UID"] === String(uid);
}
