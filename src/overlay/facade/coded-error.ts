/** An error of Node that it cannot be made to raise on our behalf: same class, code and message. */
export function codedError(
  code: `ERR_${string}`,
  message: string,
  Base: new (message: string) => Error = Error,
): Error {
  return Object.assign(new Base(message), { code });
}
