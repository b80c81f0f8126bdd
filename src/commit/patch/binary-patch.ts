import { deflateSync } from "node:zlib";

/**
 * Git's base 85: the digits, letters and these signs, in this order; four bytes are five digits,
 * most significant first. Source: `base85.c` of git.
 */
const digits =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/** Bytes in a line; its first character tells how many it has (`A` to `Z`, `a` to `z`). */
const lineBytesMax = 52;

/**
 * The body of `GIT binary patch`: both contents whole, so that it can be applied and taken back.
 */
export function binaryPatchOf(before: Buffer, after: Buffer): string {
  return `GIT binary patch\n${literalOf(after)}\n${literalOf(before)}\n`;
}

function literalOf(bytes: Buffer): string {
  const packed = deflateSync(bytes);
  const lines: string[] = [];
  for (let start = 0; start < packed.length; start += lineBytesMax) {
    const line = packed.subarray(start, start + lineBytesMax);
    const length = line.length;
    const mark = String.fromCharCode(length <= 26 ? 64 + length : 96 + length - 26);
    lines.push(`${mark}${encode(line)}\n`);
  }
  return `literal ${bytes.length}\n${lines.join("")}`;
}

function encode(bytes: Buffer): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 4) {
    let value = 0;
    for (let index = 0; index < 4; index++) value = value * 256 + (bytes[start + index] ?? 0);
    let group = "";
    for (let digit = 0; digit < 5; digit++) {
      group = digits.charAt(value % 85) + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}
