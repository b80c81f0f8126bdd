import { SeededRandom } from "../../test/support/seeded-random.ts";

export interface TextFile {
  /** Relative to the root of the tree, with 20 files to a directory. */
  readonly path: string;
  readonly text: string;
}

/**
 * Files of 1 to 8 KiB that look like source code.
 *
 * @param version - files of another version have the same paths and other content.
 */
export function makeTextFiles(count: number, version: number): TextFile[] {
  const random = new SeededRandom(version * 1_000_003 + 7);
  return Array.from({ length: count }, (_, index) => ({
    path: `part-${Math.floor(index / 20)}/module-${index}.ts`,
    text: sourceText(random, random.between(1024, 8192)),
  }));
}

const words = [
  ..."export const function return readonly interface string number await async import from".split(
    " ",
  ),
  ..."path entry state content value result options record directory length index error".split(" "),
];

function sourceText(random: SeededRandom, length: number): string {
  let text = "";
  while (text.length < length) {
    let line = " ".repeat(2 * random.between(0, 3));
    while (line.length < 60) line += `${random.pick(words)}${random.between(0, 99)} `;
    text += `${line};\n`;
  }
  return text.slice(0, length);
}
