/** Every bound of draftfs, with its unit and the reason for its value. */

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Linux `SYMLOOP_MAX` as the kernel applies it: the 41st link of one lookup is `ELOOP`. */
export const symlinkHopsMax = 40;

/** Bytes of one path component (`NAME_MAX` of every file system that we commit to). */
export const nameBytesMax = 255;

/** Bytes of a whole path including its final NUL (`PATH_MAX`). */
export const pathBytesMax = 4096;

/** Content held in memory by one overlay before it spills to disk (`memory_limit`). */
export const memoryBytesMax = 100 * MIB;

/** Size of the pieces in which large content is copied, hashed and streamed. */
export const chunkBytes = MIB;

/** Files of a commit in flight between two looks at progress and abort (`max_batch_size`). */
export const batchFilesMax = 50;

/** How long a committer waits for another one on the same root (`io_timeout`, seconds to ms). */
export const lockWaitMs = 10_000;
