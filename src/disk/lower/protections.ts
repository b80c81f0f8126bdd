import fs from "node:fs";

/**
 * What this Linux keeps users from doing with files of others, by the settings `fs.protected_…`
 * (proc_sys_fs(5)): 0 nothing, 1 and 2 what they say there.
 */
export const protections = {
  /** Linking them. */
  hardlinks: settingOf("hardlinks"),
  /** Following symbolic links in sticky directories that anybody may write to. */
  symlinks: settingOf("symlinks"),
  /** Opening files with `O_CREAT` in such directories; with 2 also in those of a group. */
  regular: settingOf("regular"),
};

function settingOf(name: string): number {
  try {
    return Number(fs.readFileSync(`/proc/sys/fs/protected_${name}`, "latin1"));
  } catch {
    // As most distributions set them, where the kernel does not show them.
    return process.platform === "linux" ? 1 : 0;
  }
}
