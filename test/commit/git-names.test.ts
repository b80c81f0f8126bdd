import { describe, expect, it } from "vitest";
import { gitIndexHint, isInRepository } from "../../src/commit/patch/git-names.ts";
import { divergenceError } from "../../src/recovery/divergence.ts";

describe("names that git keeps for itself", () => {
  it.each([
    ".git",
    ".git/index",
    "dir/.GIT/x",
    "git~1/x",
    ".git /x",
    ".git..",
    ".git::$INDEX_ALLOCATION/x",
    "a\\.git\\x",
  ])("%j is one", (path) => expect(isInRepository(path)).toBe(true));

  it.each([".gitignore", ".github/x", "git", "a.git/x", ".gitmodules", "", ".git-x"])(
    "%j is none",
    (path) => expect(isInRepository(path)).toBe(false),
  );
});

describe("an error about indexes of git", () => {
  const changed = (path: string) => ({ path, reason: "changed", recorded: undefined }) as const;

  it("says that git status is enough to change them", () => {
    const hint = / Git writes its index anew .* overwriting it loses nothing\.$/;
    expect(gitIndexHint([".git/index", "sub/.git/modules/a/index"])).toMatch(hint);
    expect(divergenceError([changed(".git/index")]).message).toMatch(hint);
  });

  it("says nothing of it when anything else has changed", () => {
    expect(gitIndexHint(["index"])).toBe("");
    const error = divergenceError([changed(".git/index"), changed("a.txt")]);
    expect(error.message).toMatch(
      /--overwrite \(force\): the checkpoint keeps what is there now\.$/,
    );
  });
});
