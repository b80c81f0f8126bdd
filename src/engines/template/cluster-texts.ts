/** Texts that are built alike, by their indexes. */
export type Cluster = readonly number[];

/** Bins of a signature: the more, the finer the similarity that can be told. */
const bins = 64;
/** Bins that must agree at once for two texts to be compared, and how many such bands there are. */
const bandRows = 3;
const bands = Math.floor(bins / bandRows);
/** Estimated similarities from which texts are built alike; then those of closer looks. */
export const similarities = [0.35, 0.6, 0.85] as const;
/** Characters looked at: the head of a file says how it is built. */
const scannedMax = 16_384;
const empty = 0xffffffff;

/**
 * Groups texts that are built alike, in time linear in their length and not pairwise.
 *
 * Each text becomes a signature of its token pairs: one-permutation hashing (Li, Owen, Zhang, "One
 * permutation hashing", 2012). Texts that agree in any band of their signatures meet in a bucket
 * (locality-sensitive hashing), where each is compared with one that was there before; groups are
 * kept by union and find.
 *
 * @param sizeMin texts that a group needs; default 3.
 * @param level how alike texts have to be, an index of {@link similarities}; default 0.
 * @returns the groups, largest first.
 */
export function clusterTexts(texts: readonly string[], sizeMin = 3, level = 0): Cluster[] {
  const similarityMin = similarities[level] ?? 1;
  const signatures = texts.map(signatureOf);
  const parents = Uint32Array.from(texts.keys());
  for (let band = 0; band < bands; band++) joinBand(band, signatures, parents, similarityMin);
  const groups = new Map<number, number[]>();
  for (const index of texts.keys()) {
    const root = rootOf(parents, index);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [index]);
    else group.push(index);
  }
  return [...groups.values()]
    .filter((group) => group.length >= sizeMin)
    .sort((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0));
}

function joinBand(
  band: number,
  signatures: readonly Uint32Array[],
  parents: Uint32Array,
  similarityMin: number,
): void {
  // The first text of each bucket, and further ones that are unlike it: texts may meet by chance.
  const firsts = new Map<number, number>();
  const others = new Map<number, number[]>();
  for (let index = 0; index < signatures.length; index++) {
    const signature = signatures[index] as Uint32Array;
    const key = bandKeyOf(signature, band * bandRows);
    if (key === undefined) continue;
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, index);
      continue;
    }
    const root = rootOf(parents, index);
    const isLike = (other: number) =>
      rootOf(parents, other) === root || isAlike(signature, signatures[other], similarityMin);
    const like = isLike(first) ? first : others.get(key)?.find(isLike);
    if (like !== undefined) parents[root] = rootOf(parents, like);
    else noteOther(others, key, index);
  }
}

/** A few of them only: each is compared with whatever falls into the bucket. */
function noteOther(others: Map<number, number[]>, key: number, index: number): void {
  const known = others.get(key);
  if (known === undefined) others.set(key, [index]);
  else if (known.length < 7) known.push(index);
}

/** `undefined` for a text without tokens: all of its bins are empty. */
function bandKeyOf(signature: Uint32Array, start: number): number | undefined {
  let key = 0;
  for (let row = start; row < start + bandRows; row++) {
    const value = signature[row] ?? empty;
    if (value === empty) return undefined;
    key = Math.imul(key ^ value, 0x9e3779b1);
  }
  return key;
}

function isAlike(
  left: Uint32Array,
  right: Uint32Array | undefined,
  similarityMin: number,
): boolean {
  let same = 0;
  let either = 0;
  for (let bin = 0; bin < bins; bin++) {
    const a = left[bin] ?? empty;
    const b = right?.[bin] ?? empty;
    if (a === empty && b === empty) continue;
    either += 1;
    if (a === b) same += 1;
  }
  return either > 0 && same / either >= similarityMin;
}

/** The smallest hash of a token pair in each bin. Tokens are words, and other characters alone. */
function signatureOf(text: string): Uint32Array {
  const signature = new Uint32Array(bins).fill(empty);
  const length = Math.min(text.length, scannedMax);
  let previous = 0;
  let word = 0;
  for (let index = 0; index <= length; index++) {
    const code = index < length ? text.charCodeAt(index) : 32;
    if (isWordCode(code)) {
      word = Math.imul(word ^ code, 0x01000193) || 1;
      continue;
    }
    if (word !== 0) {
      note(signature, previous, word);
      previous = word;
      word = 0;
    }
    if (code > 32) {
      note(signature, previous, code);
      previous = code;
    }
  }
  return densified(signature);
}

/**
 * Fills empty bins from the next full one, so that short texts can be compared as well
 * (Shrivastava, Li, "Densifying one permutation hashing via rotation", 2014).
 */
function densified(signature: Uint32Array): Uint32Array {
  const filled = signature.slice();
  let distance = 0;
  let lent = empty;
  for (let step = 2 * bins - 1; step >= 0; step--) {
    const bin = step % bins;
    const own = signature[bin] ?? empty;
    distance = own === empty ? distance + 1 : 0;
    lent = own === empty ? lent : own;
    if (own === empty && lent !== empty)
      filled[bin] = (lent + Math.imul(distance, 0x9e3779b1)) >>> 0;
  }
  return filled;
}

/** Looked up, since it is asked for every character of every text. */
const isWordAscii = Uint8Array.from({ length: 128 }, (_, code) =>
  /\w/.test(String.fromCharCode(code)) ? 1 : 0,
);

function isWordCode(code: number): boolean {
  return code > 127 || isWordAscii[code] === 1;
}

/** Mixes a pair of tokens (the finaliser of MurmurHash3) and keeps it if it is its bin's least. */
function note(signature: Uint32Array, previous: number, token: number): void {
  let hash = Math.imul(previous, 0x85ebca6b) ^ token;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  const bin = hash % bins;
  if (hash < (signature[bin] ?? 0)) signature[bin] = hash;
}

function rootOf(parents: Uint32Array, index: number): number {
  let root = index;
  while ((parents[root] ?? root) !== root) root = parents[root] ?? root;
  for (let at = index; at !== root; ) {
    const next = parents[at] ?? root;
    parents[at] = root;
    at = next;
  }
  return root;
}
