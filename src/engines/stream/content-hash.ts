import xxhash from "xxhash-wasm";

/** A hash that is fed piece by piece. */
export interface ContentHash {
  update(bytes: Uint8Array): void;
  /** Sixteen hexadecimal digits. */
  digest(): string;
}

let loaded: ReturnType<typeof xxhash> | undefined;

/** Starts an XXH64 hash: for checking content against accident, not against malice. */
export async function createContentHash(): Promise<ContentHash> {
  loaded ??= xxhash();
  const hash = (await loaded).create64();
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest().toString(16).padStart(16, "0"),
  };
}
