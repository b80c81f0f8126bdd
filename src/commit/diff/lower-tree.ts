import { dataRangesIn } from "../../disk/data-pieces.ts";
import { type ByteRange, joinedRanges } from "../../disk/data-ranges.ts";
import { isAbsence, isDenied } from "../../disk/error-codes.ts";
import { type Lower, noneIfAbsent } from "../../disk/lower/lower.ts";
import { isPlaceOnly, kindOf } from "../../disk/stamp.ts";
import { absoluteOf, childOf, type TreePath } from "../../disk/tree-path.ts";
import { isDraftError } from "../../errors.ts";
import { chunkBytes } from "../../limits.ts";
import type { Content, LowerNode } from "../../overlay/pending/pending.ts";
import type { Before } from "../change-set/change-set.ts";
import { stateOf } from "../tree/images.ts";
import { linkId, targetAt, targetSince } from "./link-target.ts";

/** Pieces in which two contents are compared. */
const compareBytesMax = 256 * 1024;

/** No link has it. */
const unknownTarget = "";

/** The tree below an overlay, as the diff reads it. */
export class LowerTree {
  readonly #lower: Lower;
  readonly #root: string;
  /** What the largest comparison so far has needed. */
  #ours = Buffer.alloc(0);
  #theirs = Buffer.alloc(0);

  constructor(lower: Lower, root: string) {
    this.#lower = lower;
    this.#root = root;
  }

  /** The lower side of a change; `undefined` for a fifo, socket or device. */
  beforeOf(node: LowerNode): Before | undefined {
    const { stamp, oid, indexId } = node;
    const target = stamp.kind === "symlink" ? this.#targetOf(node) : undefined;
    const state = stateOf(stamp, target);
    if (state === undefined) return undefined;
    if (state.kind !== "file") return { state, stamp };
    return { state: { ...state, oid }, stamp, ...(indexId === undefined ? {} : { indexId }) };
  }

  /**
   * Where a link led when it was seen. One that leads elsewhere may have come to its place since,
   * and must not be taken for it.
   */
  #targetOf({ path, stamp, oid }: LowerNode): string {
    const place = absoluteOf(this.#root, path);
    const known = targetSince(stamp, place, this.#lower);
    if (known !== undefined || oid === undefined) return known ?? unknownTarget;
    const target = targetAt(place, this.#lower);
    return target !== undefined && linkId(target) === oid ? target : unknownTarget;
  }

  /** What lies in a lower directory, in the order of names; nothing where it has gone. */
  *childrenOf(directory: TreePath): Generator<{ readonly name: string; readonly node: LowerNode }> {
    for (const name of this.#namesIn(directory)) {
      const path = childOf(directory, name);
      const stamp = this.#lower.stamp(absoluteOf(this.#root, path));
      if (stamp !== undefined) yield { name, node: { path, stamp } };
    }
  }

  #namesIn(directory: TreePath): string[] {
    const place = absoluteOf(this.#root, directory);
    const entries = noneIfAbsent(() => this.#lower.readdir(place));
    return entries.map((entry) => entry.name).sort();
  }

  /** Whether a content is, byte for byte, what a lower file holds. */
  holds({ path, stamp }: LowerNode, content: Content): boolean {
    if (stamp.kind !== "file") return false;
    if (content.lower?.path === path && !isPlaceOnly(content.lower.stamp)) return true;
    if (content.size !== stamp.size) return false;
    const descriptor = this.#openIfThere(path);
    if (descriptor === undefined) return false;
    try {
      if (kindOf(this.#lower.fstat(descriptor)) !== "file") return false;
      return this.#rangesToCompare(content, descriptor).every((range) =>
        this.#agree(content, descriptor, range),
      );
    } catch (error) {
      // It has changed under the content, which needs it: the commit says so.
      if (isDraftError(error) && error.code === "DRAFT_CONFLICT") return false;
      throw error;
    } finally {
      this.#lower.close(descriptor);
    }
  }

  /**
   * Somebody else may have removed it, or put a link there: the commit says so. What cannot be read
   * cannot be known to be the same.
   */
  #openIfThere(path: TreePath): number | undefined {
    try {
      return this.#lower.open(absoluteOf(this.#root, path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (isAbsence(error) || isDenied(error) || code === "ELOOP") return undefined;
      throw error;
    }
  }

  #agree(content: Content, descriptor: number, { start, end }: ByteRange): boolean {
    this.#makeRoom(Math.min(end - start, compareBytesMax));
    for (let position = start; position < end; ) {
      const ours = this.#ours.subarray(0, end - position);
      const length = content.read(ours, position);
      const theirs = this.#theirs.subarray(0, length);
      const read = this.#lower.read(descriptor, theirs, position);
      if (length === 0 || read !== length) return false;
      if (!theirs.equals(this.#ours.subarray(0, length))) return false;
      position += length;
    }
    return true;
  }

  #makeRoom(bytes: number): void {
    if (this.#ours.length >= bytes) return;
    this.#ours = Buffer.allocUnsafeSlow(bytes);
    this.#theirs = Buffer.allocUnsafeSlow(bytes);
  }

  /** Where one of the two has data: what is a hole in both is the same. */
  #rangesToCompare(content: Content, descriptor: number): readonly ByteRange[] {
    const { size, dataRanges } = content;
    if (size <= chunkBytes || dataRanges === undefined) return [{ start: 0, end: size }];
    return joinedRanges([...dataRangesIn(content), ...this.#lower.dataRanges(descriptor, size)]);
  }
}
