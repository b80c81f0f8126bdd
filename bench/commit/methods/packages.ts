import fs from "node:fs";
import { join } from "node:path";
import type { Method } from "../method.ts";

type WriteFileAtomic = (path: string, data: string) => Promise<void>;

/** npm's write-file-atomic, all files at once: how many it works on is its own affair. */
export const writeFileAtomic: Method = {
  name: "write-file-atomic",
  package: "write-file-atomic",
  kinds: ["create", "replace"],
  async open(work) {
    const module: { default: WriteFileAtomic } = await import("write-file-atomic" as string);
    const write = module.default;
    return {
      async run() {
        await Promise.all(work.files.map(({ path, text }) => write(join(work.root, path), text)));
      },
      close: async () => undefined,
    };
  },
};

/**
 * isomorphic-git: add and commit. Like git below, it is given files that have been written already
 * and makes the checkpoint only; it never calls fsync.
 */
export const isomorphicGit: Method = {
  name: "isomorphic-git add + commit (files written before)",
  kinds: ["create", "replace", "delete"],
  async open(work) {
    const git = await import("isomorphic-git");
    const repository = { fs, dir: work.root };
    const author = { name: "Bench", email: "bench@localhost" };
    await git.init(repository);
    if (work.kind !== "create") {
      await git.add({ ...repository, filepath: work.files.map(({ path }) => path) });
    }
    await git.commit({ ...repository, message: "before", author });
    for (const { path, text } of work.files) {
      if (work.kind === "delete") fs.unlinkSync(join(work.root, path));
      else fs.writeFileSync(join(work.root, path), text);
    }
    return {
      async run() {
        const paths = work.files.map(({ path }) => path);
        if (work.kind === "delete") {
          for (const filepath of paths) await git.remove({ ...repository, filepath });
        } else {
          await git.add({ ...repository, filepath: paths });
        }
        await git.commit({ ...repository, message: "after", author });
      },
      close: async () => undefined,
    };
  },
};
