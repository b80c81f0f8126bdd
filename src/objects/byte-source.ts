/** Bytes that are read in pieces; the contents of the overlay are such sources. */
export interface ByteSource {
  /** Total size in bytes. */
  readonly size: number;
  /** Fills `buffer` from `position`; returns the bytes read, fewer only at the end. */
  read(buffer: Uint8Array, position: number): number;
}
