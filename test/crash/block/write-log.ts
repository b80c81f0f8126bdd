import fs from "node:fs";

/** What reached the block device, in the order in which it was completed. */
export type LogRecord =
  | { readonly kind: "write"; readonly offset: number; readonly data: Buffer }
  | { readonly kind: "flush" }
  | { readonly kind: "mark"; readonly text: string };

const headerBytes = 16;

/** Reads the log of a block device; its format is at the top of `block-device.c`. */
export function readWriteLog(path: string): LogRecord[] {
  const bytes = fs.readFileSync(path);
  const records: LogRecord[] = [];
  for (let position = 0; position < bytes.length; ) {
    const kind = bytes.readUInt32LE(position);
    const length = bytes.readUInt32LE(position + 4);
    const offset = Number(bytes.readBigUInt64LE(position + 8));
    const data = bytes.subarray(position + headerBytes, position + headerBytes + length);
    if (kind === 1) records.push({ kind: "write", offset, data });
    else if (kind === 2) records.push({ kind: "flush" });
    else if (kind === 3) records.push({ kind: "mark", text: data.toString().trim() });
    else throw new Error(`Unknown record ${kind} at ${position} of ${path}.`);
    position += headerBytes + length;
  }
  return records;
}
