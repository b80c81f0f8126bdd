/** In which the order of code units is not that of UTF-8. */
const surrogate = /[\ud800-\udfff]/;

/**
 * Merges entries by the UTF-8 bytes of their names, which is how libuv sorts a directory.
 *
 * @param below as the lower gives them: mostly in order already.
 * @param own in any order; sorted in place.
 */
export function inNameOrder<Entry>(
  below: Entry[],
  own: Entry[],
  nameOf: (entry: Entry) => string,
): Entry[] {
  if (own.length === 0) return below;
  const compare = (left: Entry, right: Entry): number => compareNames(nameOf(left), nameOf(right));
  const isPlain = !own.some((entry) => surrogate.test(nameOf(entry)));
  if (isPlain && typeof own[0] === "string") own.sort();
  else own.sort(compare);
  return merge(below, own, nameOf) ?? [...below, ...own].sort(compare);
}

/** Merges two sorted lists; `undefined` where they are not, or their order is not so simple. */
function merge<Entry>(
  below: readonly Entry[],
  own: readonly Entry[],
  nameOf: (entry: Entry) => string,
): Entry[] | undefined {
  const merged: Entry[] = [];
  let at = 0;
  let last = "";
  for (const entry of below) {
    const name = nameOf(entry);
    if (name < last || surrogate.test(name)) return undefined;
    last = name;
    for (let next = own[at]; next !== undefined; next = own[++at]) {
      const ownName = nameOf(next);
      if (surrogate.test(ownName)) return undefined;
      if (ownName > name) break;
      merged.push(next);
    }
    merged.push(entry);
  }
  for (; at < own.length; at++) merged.push(own[at] as Entry);
  return merged;
}

function compareNames(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    const isHighA = a >= 0xd800 && a <= 0xdfff;
    const isHighB = b >= 0xd800 && b <= 0xdfff;
    if (isHighA !== isHighB) return isHighA ? 1 : -1;
    return a - b;
  }
  return left.length - right.length;
}
