import { join } from "node:path";
import type { CommitRequest } from "../../../src/api/receipt.ts";
import type { DraftRoot } from "../../lib/draft-root.ts";
import type { TextFile } from "../../lib/text-files.ts";
import { allKinds, type Method, type Work } from "../method.ts";

/** Everything from the caller's first write to the return of the commit. */
export const draftfs: Method = draftMethod("draftfs: writes into the overlay + commit", {
  writesCount: true,
});

/** The commit alone, of changes that are pending already. */
export const draftfsCommit: Method = draftMethod("draftfs: commit of what is pending", {
  writesCount: false,
});

/** The commit alone, of files that a checkpoint has already, as when an agent edits them again. */
export const draftfsAgain: Method = draftMethod("draftfs: commit of what was committed before", {
  writesCount: false,
  isRecorded: true,
});

/** The commit alone, so that not even before recovery anything torn can be seen. */
export const draftfsFull: Method = draftMethod('draftfs: commit, durability "full"', {
  request: { durability: "full" },
  writesCount: false,
});

/** With the checks before and after writing that cost most. */
export const draftfsStrict: Method = draftMethod("draftfs: commit, strict checks", {
  request: { checks: "strict" },
  writesCount: false,
});

/** With no checks but those for conflicts. */
export const draftfsMinimal: Method = draftMethod("draftfs: commit, minimal checks", {
  request: { checks: "minimal" },
  writesCount: false,
});

/** The commit and what it leaves for later, as in a row of commits without a pause. */
export const draftfsSettled: Method = draftMethod("draftfs: commit + settle", {
  writesCount: false,
  settleCounts: true,
});

function draftMethod(
  name: string,
  options: {
    readonly request?: CommitRequest;
    readonly writesCount: boolean;
    readonly settleCounts?: boolean;
    /** Whether the files have been committed once before. */
    readonly isRecorded?: boolean;
  },
): Method {
  return {
    name,
    kinds: options.isRecorded === true ? ["replace"] : allKinds,
    async open(work) {
      // Loaded by those alone who measure it: all others are processes without it.
      const { DraftRoot } = await import("../../lib/draft-root.ts");
      const draft = await DraftRoot.open(work.root);
      // The checkpoint store is made by the first commit ever, which is not the one that counts.
      draft.fs.writeFileSync(join(work.root, "first"), "");
      await draft.commit();
      await draft.settle();
      if (options.isRecorded === true) {
        change(draft, { ...work, files: work.files.map(longer) });
        await draft.commit();
        await draft.settle();
      }
      if (!options.writesCount) change(draft, work);
      return {
        async run() {
          if (options.writesCount) change(draft, work);
          await draft.commit(options.request);
          if (options.settleCounts === true) await draft.settle();
        },
        async close() {
          await draft.settle();
          await draft.close();
        },
      };
    },
  };
}

function longer({ path, text }: TextFile): TextFile {
  return { path, text: `${text}// once more\n` };
}

function change(draft: DraftRoot, { root, kind, files }: Work): void {
  for (const { path, text } of files) {
    if (kind === "delete") draft.fs.unlinkSync(join(root, path));
    else draft.fs.writeFileSync(join(root, path), text);
  }
}
