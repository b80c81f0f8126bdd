import fs from "node:fs";
import { join } from "node:path";
import { allKinds, type Method, type Work } from "../method.ts";

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
 * isomorphic-git, told which files to add. Like git, it is given files that have been written
 * already and makes the checkpoint only; it never calls fsync.
 */
export const isomorphicGit: Method = isomorphicMethod(
  "isomorphic-git add + commit, told which files (not durable)",
  async ({ files }) => files.map(({ path }) => path),
);

/** The same where it has to find out what has changed, as `git add -A` does. */
export const isomorphicGitAll: Method = isomorphicMethod(
  "isomorphic-git add of what has changed + commit (not durable)",
  async (_work, git, repository) => {
    const rows = await git.statusMatrix(repository);
    return rows.flatMap(([path, , worktree, stage]) => (worktree === stage ? [] : [path]));
  },
);

type Git = typeof import("isomorphic-git");
type Repository = Parameters<Git["statusMatrix"]>[0];

function isomorphicMethod(
  name: string,
  find: (work: Work, git: Git, repository: Repository) => Promise<readonly string[]>,
): Method {
  return {
    name,
    kinds: allKinds,
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
          const paths = await find(work, git, repository);
          if (work.kind === "delete") {
            for (const filepath of paths) await git.remove({ ...repository, filepath });
          } else {
            await git.add({ ...repository, filepath: [...paths] });
          }
          await git.commit({ ...repository, message: "after", author });
        },
        close: async () => undefined,
      };
    },
  };
}
