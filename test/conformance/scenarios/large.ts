import { type Scenario, scenario } from "../harness/scenario.ts";
import { directory, file, sparse } from "../harness/seed.ts";

const mebibyte = 1 << 20;
const pattern = Buffer.alloc(3 * mebibyte + 17);
for (let index = 0; index < pattern.length; index++)
  pattern[index] = (index * 31 + (index >> 8)) & 0xff;

const seed = {
  big: file(pattern),
  hole: sparse(5 * mebibyte, [
    [0, "head"],
    [4 * mebibyte, "tail"],
  ]),
  d: directory(),
};

/** Files larger than a buffer, holes, and changes by extents. */
export const large: readonly Scenario[] = [
  scenario(
    "one byte patched in a large lower file",
    ({ fs, at, note }) => {
      const descriptor = fs.openSync(at("big"), "r+");
      fs.writeSync(descriptor, "!", mebibyte + 5);
      fs.closeSync(descriptor);
      const bytes = fs.readFileSync(at("big"));
      note("around", bytes.subarray(mebibyte, mebibyte + 12));
    },
    { seed },
  ),
  scenario(
    "patches at both ends and across pieces",
    ({ fs, at }) => {
      const descriptor = fs.openSync(at("big"), "r+");
      fs.writeSync(descriptor, "first", 0);
      fs.writeSync(descriptor, "last!", pattern.length - 5);
      fs.writeSync(descriptor, Buffer.alloc(2 * mebibyte, "x"), 0, 2 * mebibyte, 700_001);
      fs.writeSync(descriptor, Buffer.alloc(9000, "y"), 0, 9000, 800_000);
      fs.closeSync(descriptor);
      fs.readFileSync(at("big"));
    },
    { seed },
  ),
  scenario(
    "appends to a large lower file",
    ({ fs, at }) => {
      for (let index = 0; index < 20; index++)
        fs.appendFileSync(at("big"), Buffer.alloc(1024, index));
      fs.statSync(at("big"));
      fs.readFileSync(at("big"));
    },
    { seed },
  ),
  scenario(
    "a large file shortened and grown again",
    ({ fs, at }) => {
      fs.truncateSync(at("big"), mebibyte);
      fs.truncateSync(at("big"), 2 * mebibyte);
      fs.appendFileSync(at("big"), "end");
      fs.readFileSync(at("big"));
    },
    { seed },
  ),
  scenario(
    "overlapping patches, the last wins",
    ({ fs, at }) => {
      const descriptor = fs.openSync(at("big"), "r+");
      for (let index = 0; index < 60; index++) {
        const length = 1 + ((index * 7919) % 5000);
        fs.writeSync(
          descriptor,
          Buffer.alloc(length, index),
          0,
          length,
          (index * 104_729) % (2 * mebibyte),
        );
      }
      fs.closeSync(descriptor);
      fs.readFileSync(at("big"));
    },
    { seed },
  ),
  scenario(
    "reads that cross patched and lower ranges",
    ({ fs, at, note }) => {
      const descriptor = fs.openSync(at("big"), "r+");
      fs.writeSync(descriptor, "PATCH", 1000);
      fs.writeSync(descriptor, "PATCH", 1010);
      const piece = Buffer.alloc(40);
      note("count", fs.readSync(descriptor, piece, 0, 40, 990));
      note("bytes", piece.toString("hex"));
      fs.closeSync(descriptor);
    },
    { seed },
  ),
  scenario(
    "a sparse lower file reads as zeros and takes patches",
    ({ fs, at, note }) => {
      const descriptor = fs.openSync(at("hole"), "r+");
      fs.writeSync(descriptor, "middle", 2 * mebibyte);
      const piece = Buffer.alloc(12);
      fs.readSync(descriptor, piece, 0, 12, 2 * mebibyte - 3);
      note("bytes", piece);
      fs.ftruncateSync(descriptor, 20 * mebibyte);
      fs.fstatSync(descriptor);
      fs.closeSync(descriptor);
      fs.statSync(at("hole"));
    },
    { seed },
  ),
  scenario(
    "a new file with a huge hole",
    ({ fs, at, note }) => {
      const descriptor = fs.openSync(at("n"), "w+");
      fs.writeSync(descriptor, "far", 2 ** 40);
      fs.fstatSync(descriptor);
      const piece = Buffer.alloc(6);
      note("count", fs.readSync(descriptor, piece, 0, 6, 2 ** 40 - 3));
      note("bytes", piece);
      fs.ftruncateSync(descriptor, 10);
      fs.closeSync(descriptor);
      fs.readFileSync(at("n"));
    },
    { seed: { d: directory() } },
  ),
  scenario(
    "a large file written at once and in pieces",
    ({ fs, at }) => {
      fs.writeFileSync(at("at-once"), pattern);
      const descriptor = fs.openSync(at("pieces"), "w");
      for (let position = 0; position < pattern.length; position += 65_537) {
        fs.writeSync(descriptor, pattern, position, Math.min(65_537, pattern.length - position));
      }
      fs.closeSync(descriptor);
      fs.statSync(at("pieces"));
    },
    { seed: { d: directory() } },
  ),
  scenario(
    "a large file copied, then both changed",
    ({ fs, at }) => {
      fs.copyFileSync(at("big"), at("copy"));
      fs.appendFileSync(at("copy"), "copy");
      fs.truncateSync(at("big"), 10);
      fs.statSync(at("copy"));
    },
    { seed },
  ),
  scenario(
    "a patched file renamed, linked and unlinked",
    ({ fs, at }) => {
      const descriptor = fs.openSync(at("big"), "r+");
      fs.writeSync(descriptor, "PATCH", 1000);
      fs.renameSync(at("big"), at("d/moved"));
      fs.linkSync(at("d/moved"), at("second"));
      fs.unlinkSync(at("d/moved"));
      fs.writeSync(descriptor, "AGAIN", 2000);
      fs.closeSync(descriptor);
      fs.readFileSync(at("second"));
    },
    { seed },
  ),
  scenario(
    "a large file streamed through both layers",
    async ({ fs, at, read }) => {
      const descriptor = fs.openSync(at("big"), "r+");
      fs.writeSync(descriptor, "PATCH", 65_536 - 2);
      fs.closeSync(descriptor);
      await read(at("big"));
      await read(at("big"), { start: 65_530, end: 65_545 });
    },
    { seed },
  ),
  scenario(
    "blocks of a hole are not counted as data",
    ({ fs, at, note }) => {
      const descriptor = fs.openSync(at("n"), "w");
      fs.writeSync(descriptor, "x", 10 * mebibyte);
      fs.closeSync(descriptor);
      const stats = fs.statSync(at("n"));
      note("sparse", stats.blocks * 512 < stats.size);
    },
    { seed: { d: directory() } },
  ),
];
