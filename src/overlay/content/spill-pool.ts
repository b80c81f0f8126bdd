import type { SpillFile } from "./spill-place.ts";

/** Smallest place in the pool, in bytes. */
const placeBytesMin = 256;

/** A place in the pool that holds the bytes of one page. */
export interface PoolPlace {
  readonly pool: SpillPool;
  readonly file: SpillFile;
  readonly position: number;
  /** How much fits there, in bytes: a power of two. */
  readonly capacity: number;
}

/**
 * The file that contents share which have none of their own. A place is used again when its page is
 * back in memory or nobody has the page any more, so that the file grows to at most twice of what
 * lay in it at one time.
 */
export class SpillPool {
  readonly #file: SpillFile;
  /** Positions that are free, by the capacity of the place. */
  readonly #free = new Map<number, number[]>();
  readonly #forgotten: FinalizationRegistry<PoolPlace>;
  #end = 0;

  constructor(file: SpillFile) {
    this.#file = file;
    this.#forgotten = new FinalizationRegistry((place) => this.#putBack(place));
  }

  /** Writes `bytes` to a place that is taken until `page` releases it or is no more. */
  put(bytes: Uint8Array, page: object): PoolPlace {
    const capacity = capacityFor(bytes.length);
    const position = this.#free.get(capacity)?.pop() ?? this.#end;
    const place = { pool: this, file: this.#file, position, capacity };
    if (position === this.#end) this.#end += capacity;
    this.#file.write(bytes, position);
    this.#forgotten.register(page, place, place);
    return place;
  }

  /** Says that nothing will be read at a place any more. */
  release(place: PoolPlace): void {
    this.#forgotten.unregister(place);
    this.#putBack(place);
  }

  #putBack({ capacity, position }: PoolPlace): void {
    const free = this.#free.get(capacity);
    if (free === undefined) this.#free.set(capacity, [position]);
    else free.push(position);
  }
}

function capacityFor(length: number): number {
  let capacity = placeBytesMin;
  while (capacity < length) capacity *= 2;
  return capacity;
}
