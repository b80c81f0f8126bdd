/**
 * The bounds that decide what a user gets, each with its unit and the reason for its value. What
 * only one file needs to know stands at the top of that file.
 */

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

/**
 * Content from this size on spills to a file of its own, which a commit can take over as it is;
 * smaller content shares one file, because each file keeps a descriptor open.
 */
export const ownSpillBytesMin = 256 * KIB;

/** Read at once where the caller brings no buffer: Node's own size. */
export const readBufferBytes = 16 * KIB;

/** The largest file that `readFile` reads: Node's own, what one read call can be asked for. */
export const readFileBytesMax = 2 ** 31 - 1;

/** Size of the pieces in which large content is copied, hashed and streamed. */
export const chunkBytes = MIB;

/**
 * Content that one trace of changes spells out; what comes after is recorded by its hash. Such a
 * trace is one string when it is read, and far from the longest that there can be.
 */
export const traceContentBytesMax = 64 * MIB;

/** Content whose patch stands in a JSON document: such a document is read into memory whole. */
export const documentPatchBytesMax = 16 * MIB;

/** Files of a commit in flight between two looks at progress and abort (`max_batch_size`). */
export const batchFilesMax = 50;

/**
 * From this number of files on, a commit stages them in a thread of its own, which takes some 50 ms
 * to start: fewer are written sooner without it.
 */
export const backgroundFilesMin = 200;

/** Content of new files that goes to that thread in one message. */
export const batchBytes = 256 * KIB;

/**
 * Files that a commit holds open until it is done, and at most a quarter of what the process may
 * have open: any more are closed as they are replaced.
 */
export const openFilesMax = 4096;

/** Content that may wait for that thread; what is more the commit writes itself. */
export const backgroundBytesMax = 16 * MIB;

/**
 * How much later than the journal record the last staged file may be written before the record
 * has to be renewed, which costs an fsync. Milliseconds: as much later what somebody else writes is
 * taken for a staged file that the power cut tore, when it is empty or zeros.
 */
export const backgroundStagingMs = 1_000;

/**
 * The same for a small commit, whose files are staged while its slot is waited for. What takes
 * longer is given the time of the record, a call a file; so this is as short as some hundred files
 * need on a busy machine, and what somebody puts back right after the commit is not taken for old.
 * Milliseconds.
 */
export const laterStagingMs = 100;

/** How long that thread is kept for another commit. Milliseconds. */
export const backgroundIdleMs = 60_000;

/** How long a committer waits for another one on the same root (`io_timeout`, seconds to ms). */
export const lockWaitMs = 10_000;

/** From this size on, a draft keeps content in a file of its own: saved by a link, not a copy. */
export const draftFileBytesMin = MIB;

/** Content of replaced files that a draft reads when it is saved, to know it again. */
export const baseBytesMax = 64 * MIB;

/** Data files that one draft refers to before a save gathers them into one. */
export const draftDataFilesMax = 16;

/**
 * Directories that a commit holds open at a time: far below the usual limit of 1,024 descriptors,
 * and with what else is open below 256, where the kernel's table of them grows for the first time.
 */
export const pinnedDirectoriesMax = 64;

/**
 * The same for a commit of many files, for which room is made in that table beforehand, and at most
 * an eighth of what the process may have open.
 */
export const manyPinnedDirectoriesMax = 4096;

/**
 * Content up to this size goes into the pack of its commit, larger content is made durable in its
 * staged file and kept beside the store: so that it is written once, not twice.
 */
export const packedContentBytesMax = 8 * MIB;

/**
 * From this size on the id of a content is not git's, which would have to hash every zero of its
 * holes: four seconds for this size, a quarter of an hour for 1 TB.
 */
export const vastContentBytesMin = 4096 * MIB;

/**
 * New content that a plan file holds at most. It is one JSON text, and V8 has no string of more
 * than 512 MiB, to which base64 adds a third.
 */
export const planContentBytesMax = 256 * MIB;

/**
 * Room for a journal record and its pack in one slot: enough for a hundred files of usual size, and
 * what they replace. A root has two, which are written once when they are made. For a thousand
 * files waiting once gains nothing any more over the three waits of files of their own.
 */
export const journalSlotBytes = MIB;

/**
 * How long a process waits for a draft that another one holds: long enough for one that is just
 * closing, short enough to tell a person at once that a command still runs in it. Milliseconds.
 */
export const draftLockWaitMs = 300;

/**
 * How long an engine of the sandbox that has failed to start is not tried again by this process, as
 * long as another one works: whoever repairs a system should not have to restart his programs, and
 * a start that fails costs some 50 ms. Milliseconds.
 */
export const engineVerdictMs = 5 * 60_000;

/**
 * Places on the disk that one absolute pattern of `denyRead` may lead to: looking at so many takes
 * about a second, and `/**` would look at the whole disk.
 */
export const deniedLooksMax = 200_000;

/** Operations whose pre-images `gc` keeps (`retention`): so many steps can be undone. */
export const keptOperations = 10;

/**
 * Bytes of recorded content that `gc` keeps, before compression; the newest operation always stays.
 */
export const keptBytesMax = 2048 * MIB;

/** Packs in the checkpoint store from which on `gc` is due: git slows down beyond 50. */
export const packsMax = 20;

/** Files whose content id one process remembers by stamp; about 200 bytes each. */
export const contentIndexEntriesMax = 50_000;

/** How often a commit is tried anew when the tree keeps changing while conflicts are resolved. */
export const resolutionRoundsMax = 5;

/** How often recovery tries before it gives up and asks a person (`recovery_attempts`). */
export const recoveryAttemptsMax = 3;

/** How long a cut-off operation may lie there before it counts as stuck. Milliseconds. */
export const journalStuckMs = 60_000;

/** Pause before the second attempt of a recovery; doubled for the third. */
export const recoveryPauseMs = 50;

/**
 * Content of one file that a patch spells out: what fits a string on the way, with room to spare.
 */
export const patchContentBytesMax = 64 * MIB;

/** Room that a commit leaves free beside what it writes: for directories, journal and refs. */
export const spareDiskBytes = 4 * MIB;

/** A text from this size on is worth a remark: it is more likely generated, or an accident. */
export const largeTextBytesMin = 4 * MIB;

/**
 * What loading the native calls costs, in microseconds: 20 ms on two cores of a 2.5 GHz Xeon. Who
 * never saves as much by them does not load them.
 */
export const nativeLoadUs = 20_000;

/** Trees and commits of one operation that are kept in memory for the next one. */
export const recentBytesMax = MIB;

/**
 * A pack is held in memory up to this size: what a thousand small files and what they replace take.
 * A larger one goes to its file in pieces of this size, and is read back for its checksum.
 */
export const heldPackBytesMax = 16 * MIB;

/** Letters of one line that a tool shows: a minified file would flood its reader by itself. */
export const shownLineLettersMax = 2000;

/** Bytes of an image that is shown unasked: what services take, as base64, is 5 MB. */
export const shownImageBytesMax = 3.75 * MIB;

/** From this size on a text is read in pieces: the memory for all of it would be felt. */
export const scannedTextBytesMin = 16 * MIB;

/** Text that a search looks through before other work gets a turn: some milliseconds' worth. */
export const searchBytesPerTurn = 4 * MIB;

/** Searches of one process that run at a time: each may hold a file of 64 MiB in memory. */
export const searchesMax = 4;
