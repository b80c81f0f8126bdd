/** Arguments that cannot be meant: exit code 64, and the message says what to give instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
