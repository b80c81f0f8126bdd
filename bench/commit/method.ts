import type { TextFile } from "../lib/text-files.ts";

/** What is done to the files of a tree. */
export type WorkKind = "create" | "replace" | "delete";

/** A tree that has been prepared, and what is to become of it. */
export interface Work {
  /** Absolute; all directories exist, and for `replace` and `delete` all files too, durably. */
  readonly root: string;
  readonly kind: WorkKind;
  /** The new content; for `delete` only the paths count. */
  readonly files: readonly TextFile[];
}

/** A way of bringing many files to a disk. */
export interface Method {
  readonly name: string;
  /** The package that it is about, which only `bench/` installs. */
  readonly package?: string;
  /** Size of libuv's thread pool, when the method is about it. */
  readonly threads?: number;
  /** Kinds of work that it can do. */
  readonly kinds: readonly WorkKind[];
  /** Everything that is not to be counted: opening, loading, what happens once. */
  open(work: Work): Promise<OpenMethod>;
}

export interface OpenMethod {
  /** The work that is measured; when it returns, the method calls it done. */
  run(): Promise<void>;
  /** What the method leaves for later, and tidying; not counted. */
  close(): Promise<void>;
}

export const allKinds: readonly WorkKind[] = ["create", "replace", "delete"];

/** A method without anything to open or close. */
export function simpleMethod(
  name: string,
  run: (work: Work) => Promise<void> | void,
  options: { readonly threads?: number; readonly kinds?: readonly WorkKind[] } = {},
): Method {
  return {
    name,
    kinds: options.kinds ?? allKinds,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    open: async (work) => ({
      run: async () => run(work),
      close: async () => undefined,
    }),
  };
}
