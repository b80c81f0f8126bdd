import { chunkBytes } from "../../limits.ts";
import type { Content } from "../pending/pending.ts";

/** All bytes of a content in one new buffer. For content that is known to be small. */
export function readContent(content: Content): Buffer {
  const buffer = Buffer.allocUnsafeSlow(content.size);
  const bytesRead = content.read(buffer, 0);
  return bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
}

/** The bytes of a content in pieces of at most 1 MiB; each piece is valid until the next one. */
export function* chunksOf(content: Pick<Content, "size" | "read">): Generator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(chunkBytes, content.size)));
  for (let position = 0; position < content.size; ) {
    const bytesRead = content.read(buffer, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** A content that is a buffer in memory. */
export function bufferContent(bytes: Uint8Array): Content {
  return {
    size: bytes.length,
    lower: undefined,
    spilled: undefined,
    read(buffer, position) {
      const piece = bytes.subarray(position, position + buffer.length);
      buffer.set(piece);
      return piece.length;
    },
  };
}
