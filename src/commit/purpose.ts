import type { CommitOptions } from "./options.ts";

/** What a change of the tree is carried out for, in the words of its errors. */
export interface Purpose {
  /** What is attempted, behind "Cannot". */
  readonly verb: NonNullable<CommitOptions["operation"]>;
  /** What there is to try again with; behind "Nothing was changed". */
  readonly kept: string;
  /** Whether it puts back what was there before. */
  readonly isBack: boolean;
}

/** Only a commit has something pending: the others find what they do in the history, or a file. */
export function purposeOf({ operation = "commit" }: Pick<CommitOptions, "operation">): Purpose {
  return {
    verb: operation,
    kept: operation === "commit" ? "; the changes are still pending" : "",
    isBack: operation !== "commit" && operation !== "apply",
  };
}
