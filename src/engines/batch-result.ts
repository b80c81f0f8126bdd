import type { Operation } from "./operation.ts";

/** An operation that could not be done. */
export interface FailedOperation {
  /** Its place in the batch, from 0. */
  readonly index: number;
  readonly operation: Operation;
  readonly error: Error;
}

export interface BatchFacts {
  readonly operations: number;
  /** Files in the order in which they were written or deleted, what others import first. */
  readonly order: readonly string[];
  /** Files that import each other. */
  readonly cycles: readonly (readonly string[])[];
  /** Groups of at most `maxBatchSize` files. */
  readonly groups: number;
  readonly reads: number;
  readonly writes: number;
  readonly deletes: number;
  readonly moves: number;
  readonly bytesWritten: number;
  /** Why a group was taken back, where all of it went well when it was done file by file. */
  readonly groupError: Error | undefined;
  /** Files that needed nothing: operations that cancel each other, or change nothing. */
  readonly vanished: number;
}

export type BatchResult =
  /** Everything was done. */
  | (BatchFacts & { readonly outcome: "applied" })
  /** An atomic batch failed: the overlay is as it was. */
  | (BatchFacts & {
      readonly outcome: "rolled_back";
      readonly failed: readonly FailedOperation[];
      readonly error: Error;
    })
  /** An atomic batch failed that was not to be taken back: what comes before in it was done. */
  | (BatchFacts & {
      readonly outcome: "stopped";
      readonly failed: readonly FailedOperation[];
      readonly error: Error;
    })
  /** Some operations failed at first; those in `recovered` were done when tried again alone. */
  | (BatchFacts & {
      readonly outcome: "partial_recovery";
      readonly recovered: readonly number[];
      readonly failed: readonly FailedOperation[];
    });
