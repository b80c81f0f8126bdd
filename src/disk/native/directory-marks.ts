import { statxBytes } from "../node-stats.ts";
import { currentDirectory, type ForeignLibrary } from "./foreign-library.ts";

/** What tells a directory from all others and from itself after any change of its names or mode. */
export interface DirectoryMark {
  readonly ino: number;
  readonly inoHigh: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Of the last change: seconds in two halves, and nanoseconds. */
  readonly changeSeconds: number;
  readonly changeSecondsHigh: number;
  readonly changeNanoseconds: number;
}

/** The calls of {@link NativeCalls} that recognise directories, by statx(2). */
export interface DirectoryMarks {
  /** Of an open directory. @returns `undefined` where it cannot be told like this. */
  markOf(directory: number): DirectoryMark | undefined;
  /** Whether what lies at an absolute path, itself, has this mark. */
  hasMark(path: string, mark: DirectoryMark): boolean;
}

export function directoryMarks({ find, addressOf }: ForeignLibrary): DirectoryMarks {
  const statx = find("int statx(int, str, int, unsigned int, uintptr_t)");
  const bytes = Buffer.allocUnsafeSlow(statxBytes);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, statxBytes / 4);
  const address = addressOf(bytes);
  const look = (directory: number, path: string) =>
    statx?.(directory, path, lookFlags, inoAndChange, address) === 0;
  return {
    markOf(directory) {
      if (!look(directory, "")) return undefined;
      const at = (index: number) => words[index] as number;
      return {
        ino: at(8),
        inoHigh: at(9),
        deviceMajor: at(34),
        deviceMinor: at(35),
        changeSeconds: at(24),
        changeSecondsHigh: at(25),
        changeNanoseconds: at(26),
      };
    },
    hasMark(path, mark) {
      return (
        look(currentDirectory, path) &&
        words[26] === mark.changeNanoseconds &&
        words[24] === mark.changeSeconds &&
        words[8] === mark.ino &&
        words[35] === mark.deviceMinor &&
        words[34] === mark.deviceMajor &&
        words[9] === mark.inoHigh &&
        words[25] === mark.changeSecondsHigh
      );
    },
  };
}

/** `AT_SYMLINK_NOFOLLOW`, `AT_NO_AUTOMOUNT` and `AT_EMPTY_PATH`. */
const lookFlags = 0x100 | 0x800 | 0x1000;
/** `STATX_INO` and `STATX_CTIME`. */
const inoAndChange = 0x100 | 0x80;
