/** Fails a FUSE operation with an errno of its own. */
export class OperationError extends Error {
  readonly errno: number;

  /** @param errno positive, as the system names it. */
  constructor(errno: number) {
    super(`FUSE operation failed with errno ${errno}`);
    this.errno = -errno;
  }
}
