/**
 * Names on Linux are bytes, names in Node are strings. A name that is not UTF-8 is held as a string
 * in which each undecodable byte 0xNN is the lone surrogate U+DCNN (Python's PEP 383
 * "surrogateescape"): no valid name collides with it, JSON carries it, and it encodes back exactly.
 */

const escapedByte = /[\udc80-\udcff]/;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The type library of the language level that we compile for lacks what every Node here has. */
type WellFormedText = string & { isWellFormed(): boolean };

/** Whether a text has no lone surrogate: escapes of ours, and what Node writes as U+FFFD. */
export function isWellFormed(text: string): boolean {
  return (text as WellFormedText).isWellFormed();
}

/** The string for a name's bytes. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeEscaping(bytes);
  }
}

/** What to hand to `node:fs` for a path: the string, or its exact bytes when it needs them. */
export function encodePath(path: string): string | Buffer {
  return isWellFormed(path) || !escapedByte.test(path) ? path : encodeEscaped(path);
}

/** Length of a name or path in bytes, as the kernel counts it. */
export function byteLengthOf(path: string): number {
  return escapedByte.test(path) ? encodeEscaped(path).length : Buffer.byteLength(path);
}

function decodeEscaping(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; ) {
    const length = sequenceLength(bytes, index);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[index] as number));
      index += 1;
    } else {
      text += decoder.decode(bytes.subarray(index, index + length));
      index += length;
    }
  }
  return text;
}

/** Length of the valid UTF-8 sequence at `index`, 0 when there is none. */
function sequenceLength(bytes: Uint8Array, index: number): number {
  for (let length = 1; length <= 4 && index + length <= bytes.length; length++) {
    try {
      if (decoder.decode(bytes.subarray(index, index + length)) !== "") return length;
    } catch {
      // Not yet a whole sequence, or never one.
    }
  }
  return 0;
}

function encodeEscaped(path: string): Buffer {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let index = 0; index < path.length; index++) {
    const unit = path.charCodeAt(index);
    if (unit < 0xdc80 || unit > 0xdcff) continue;
    const before = path.charCodeAt(index - 1);
    if (index > 0 && before >= 0xd800 && before <= 0xdbff) continue;
    pieces.push(Buffer.from(path.slice(start, index)), Buffer.from([unit - 0xdc00]));
    start = index + 1;
  }
  pieces.push(Buffer.from(path.slice(start)));
  return Buffer.concat(pieces);
}
