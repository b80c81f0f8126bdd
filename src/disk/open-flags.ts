import { constants } from "node:fs";

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = constants;
const { O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;

/** The ways in which we open things, as flags of {@link Disk.open}. None follows a last link. */
export const openFlags = {
  /** Without waiting for anybody to write where a fifo has taken the place of a file. */
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  readDirectory: O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
  /** An existing file, to be changed where it lies. */
  update: O_RDWR | O_NOFOLLOW,
  /** A file, new or to be made longer: what others add meanwhile is not written over. */
  append: O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW,
  /** A file that must not exist yet. */
  createNew: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
  /** A file, new or to be written over. */
  createOrUpdate: O_WRONLY | O_CREAT | O_NOFOLLOW,
  /** A file that is emptied where it exists. */
  createOrTruncate: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
  /**
   * Linux's `O_TMPFILE`, in a directory: a file without a name, gone when it is closed. Tells
   * whether a file could be made there. 0 where the system has no such thing.
   */
  nameless: process.platform === "linux" ? 0o20000000 | O_DIRECTORY | O_WRONLY : 0,
} as const;
