import fc from "fast-check";
import type { Fs } from "../../test/conformance/harness/seed.ts";

/** Where one operation of a program acts: a tree, and the descriptors that the program has open. */
export interface Place {
  readonly fs: Fs;
  /** The same without notes: for what no order is owed of. */
  readonly raw: Fs;
  readonly root: string;
  /** Open descriptors by slot. */
  readonly open: Map<number, number>;
  /** Takes down something that is not the outcome of a call. */
  readonly note: (label: string, value: unknown) => void;
}

/** One kind of operation: how its input is drawn, and what it does. */
export interface Operation<Input = never> {
  readonly input: fc.Arbitrary<Input>;
  readonly run: (place: Place, input: Input) => unknown;
}

/** One step of a program, in plain JSON, so that a counterexample can be read and replayed. */
export interface Action {
  readonly kind: string;
  readonly input: unknown;
}

/** Few names, so that operations meet each other's results. */
const name = fc.constantFrom("a", "b", "c", "d", "e");
const path = fc
  .array(name, { minLength: 1, maxLength: 3 })
  .map((names) => names.join("/"))
  .chain((plain) => fc.constantFrom(plain, plain, plain, plain, plain, `${plain}/`, `./${plain}`));
const twoPaths = fc.tuple(path, path);
/** A text to write: short enough to be shown in a counterexample, whatever its length. */
type Text = string | { readonly character: string; readonly length: number };
const bytes: fc.Arbitrary<Text> = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.record({
    character: fc.integer({ min: 33, max: 122 }).map((code) => String.fromCharCode(code)),
    length: fc.constantFrom(100, 4096, 5000, 65_535, 65_536, 70_000, 300_000),
  }),
);
const textOf = (text: Text) =>
  typeof text === "string" ? text : text.character.repeat(text.length);
const bufferOf = (text: Text) => Buffer.from(textOf(text));
const slot = fc.nat(3);
const size = fc.oneof(
  fc.nat(20),
  fc.constantFrom(4095, 4096, 4097, 9000),
  fc.constantFrom(65_535, 65_536, 131_072, 200_000, 300_000),
);
const position = fc.option(size, { nil: null });
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o700, 0o4755, 0o2755, 0o1777);
const time = fc.integer({ min: 1, max: 1_000_000 });
const flags = fc.constantFrom("r", "r+", "w", "w+", "wx", "a", "a+", "ax+");

function operation<Input>(
  input: fc.Arbitrary<Input>,
  run: (place: Place, input: Input) => unknown,
): Operation<Input> {
  return { input, run };
}

const at = (place: Place, relative: string) => `${place.root}/${relative}`;

function withSlot(act: (fs: Fs, descriptor: number) => unknown) {
  return (place: Place, index: number) => {
    const descriptor = place.open.get(index);
    return descriptor === undefined ? undefined : act(place.fs, descriptor);
  };
}

const onPath = (act: (fs: Fs, absolute: string) => unknown) =>
  operation(path, (place, relative) => act(place.fs, at(place, relative)));
const onTwoPaths = (act: (fs: Fs, source: string, target: string) => unknown) =>
  operation(twoPaths, (place, [source, target]) =>
    act(place.fs, at(place, source), at(place, target)),
  );
const onSlot = (act: (fs: Fs, descriptor: number) => unknown) => operation(slot, withSlot(act));

function readInto(place: Place, index: number, length: number, where: number | null): void {
  const descriptor = place.open.get(index);
  if (descriptor === undefined) return;
  const buffer = Buffer.alloc(length);
  place.fs.readSync(descriptor, buffer, 0, length, where);
  place.note("bytes", buffer);
}

/**
 * All entries below a directory, sorted. By `opendir`, since later releases enter links to
 * directories with `readdir`, round and round.
 */
function entriesBelow(fs: Fs, directory: string): unknown {
  const entries: string[] = [];
  try {
    const opened = fs.opendirSync(directory, { recursive: true });
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      entries.push(`${entry.parentPath}/${entry.name}${entry.isDirectory() ? "/" : ""}`);
    }
    opened.closeSync();
  } catch (error) {
    return error;
  }
  return entries.sort();
}

/** Every kind of operation on a tree. Those on savepoints are the program's own. */
export const operations = {
  writeFile: operation(fc.tuple(path, bytes), ({ fs, root }, [relative, text]) =>
    fs.writeFileSync(`${root}/${relative}`, textOf(text)),
  ),
  writeFileExclusive: onPath((fs, target) => fs.writeFileSync(target, "new", { flag: "wx" })),
  writeFileMode: onPath((fs, target) => fs.writeFileSync(target, "#!", { mode: 0o751 })),
  appendFile: operation(fc.tuple(path, bytes), ({ fs, root }, [relative, text]) =>
    fs.appendFileSync(`${root}/${relative}`, textOf(text)),
  ),
  readFile: onPath((fs, target) => fs.readFileSync(target)),
  truncate: operation(fc.tuple(path, size), ({ fs, root }, [relative, length]) =>
    fs.truncateSync(`${root}/${relative}`, length),
  ),
  unlink: onPath((fs, target) => fs.unlinkSync(target)),
  mkdir: onPath((fs, target) => fs.mkdirSync(target)),
  mkdirRecursive: onPath((fs, target) => fs.mkdirSync(target, { recursive: true })),
  rmdir: onPath((fs, target) => fs.rmdirSync(target)),
  rm: onPath((fs, target) => fs.rmSync(target)),
  rmRecursive: onPath((fs, target) => fs.rmSync(target, { recursive: true })),
  rmForce: onPath((fs, target) => fs.rmSync(target, { recursive: true, force: true })),
  rename: onTwoPaths((fs, source, target) => fs.renameSync(source, target)),
  link: onTwoPaths((fs, source, target) => fs.linkSync(source, target)),
  symlinkRelative: operation(fc.tuple(path, path), ({ fs, root }, [target, relative]) =>
    fs.symlinkSync(target, `${root}/${relative}`),
  ),
  symlinkAbsolute: onTwoPaths((fs, target, place) => fs.symlinkSync(target, place)),
  readlink: onPath((fs, target) => fs.readlinkSync(target)),
  stat: onPath((fs, target) => fs.statSync(target)),
  statBig: onPath((fs, target) => fs.statSync(target, { bigint: true })),
  lstat: onPath((fs, target) => fs.lstatSync(target)),
  exists: onPath((fs, target) => fs.existsSync(target)),
  access: onPath((fs, target) => fs.accessSync(target, fs.constants.X_OK)),
  readdir: onPath((fs, target) => fs.readdirSync(target)),
  readdirTypes: onPath((fs, target) => fs.readdirSync(target, { withFileTypes: true })),
  opendirRecursive: operation(path, (place, relative) =>
    place.note("entries", entriesBelow(place.raw, at(place, relative))),
  ),
  opendir: onPath((fs, target) => fs.opendirSync(target)?.closeSync()),
  realpath: onPath((fs, target) => fs.realpathSync(target)),
  realpathNative: onPath((fs, target) => fs.realpathSync.native(target)),
  chmod: operation(fc.tuple(path, mode), ({ fs, root }, [relative, bits]) =>
    fs.chmodSync(`${root}/${relative}`, bits),
  ),
  utimes: operation(fc.tuple(path, time), ({ fs, root }, [relative, seconds]) =>
    fs.utimesSync(`${root}/${relative}`, seconds, seconds),
  ),
  lutimes: operation(fc.tuple(path, time), ({ fs, root }, [relative, seconds]) =>
    fs.lutimesSync(`${root}/${relative}`, seconds, seconds),
  ),
  chown: onPath((fs, target) => fs.chownSync(target, -1, -1)),
  copyFile: onTwoPaths((fs, source, target) => fs.copyFileSync(source, target)),
  copyFileExclusive: onTwoPaths((fs, source, target) => fs.copyFileSync(source, target, 1)),
  open: operation(fc.tuple(slot, path, flags), ({ fs, root, open }, [index, relative, how]) => {
    const before = open.get(index);
    if (before !== undefined) fs.closeSync(before);
    const descriptor = fs.openSync(`${root}/${relative}`, how);
    if (descriptor === undefined) open.delete(index);
    else open.set(index, descriptor);
  }),
  close: operation(slot, (place, index) => {
    const descriptor = place.open.get(index);
    if (descriptor !== undefined) place.fs.closeSync(descriptor);
    place.open.delete(index);
  }),
  read: operation(fc.tuple(slot, size, position), (place, [index, length, where]) =>
    readInto(place, index, length, where),
  ),
  write: operation(fc.tuple(slot, bytes), (place, [index, text]) =>
    withSlot((fs, descriptor) => fs.writeSync(descriptor, textOf(text)))(place, index),
  ),
  writeAt: operation(fc.tuple(slot, bytes, size), (place, [index, text, where]) =>
    withSlot((fs, descriptor) => fs.writeSync(descriptor, textOf(text), where))(place, index),
  ),
  writev: operation(fc.tuple(slot, bytes, bytes), (place, [index, one, two]) =>
    withSlot((fs, descriptor) => fs.writevSync(descriptor, [one, two].map(bufferOf)))(place, index),
  ),
  readv: onSlot((fs, descriptor) => fs.readvSync(descriptor, [Buffer.alloc(3), Buffer.alloc(9)])),
  readFileOpen: onSlot((fs, descriptor) => fs.readFileSync(descriptor)),
  appendFileOpen: onSlot((fs, descriptor) => fs.appendFileSync(descriptor, "+")),
  ftruncate: operation(fc.tuple(slot, size), (place, [index, length]) =>
    withSlot((fs, descriptor) => fs.ftruncateSync(descriptor, length))(place, index),
  ),
  fstat: onSlot((fs, descriptor) => fs.fstatSync(descriptor)),
  fchmod: operation(fc.tuple(slot, mode), (place, [index, bits]) =>
    withSlot((fs, descriptor) => fs.fchmodSync(descriptor, bits))(place, index),
  ),
  futimes: operation(fc.tuple(slot, time), (place, [index, seconds]) =>
    withSlot((fs, descriptor) => fs.futimesSync(descriptor, seconds, seconds))(place, index),
  ),
  fsync: onSlot((fs, descriptor) => fs.fsyncSync(descriptor)),
} satisfies Readonly<Record<string, unknown>>;

/** Names of all kinds of operation on a tree. */
export const operationKinds = Object.keys(operations) as (keyof typeof operations)[];

/** Performs one action. */
export function perform(place: Place, action: Action): void {
  const { run } = operations[action.kind as keyof typeof operations] as Operation<unknown>;
  run(place, action.input);
}

/** Draws one action of these kinds. */
function actionOf(kinds: readonly (keyof typeof operations)[]): fc.Arbitrary<Action> {
  return fc.oneof(
    ...kinds.map((kind) =>
      (operations[kind].input as fc.Arbitrary<unknown>).map((input) => ({ kind, input })),
    ),
  );
}

/** Draws one action of any kind. */
export const anyAction = actionOf(operationKinds);

/** Draws one action on an open file, or one that opens a file. */
export const handleAction = actionOf(["open", "open", "write", "writeAt", "ftruncate", "read"]);
