import { join } from "node:path";

/** Where several processes commit against each other: one root, and what tells of them beside it. */
export interface Place {
  readonly root: string;
  /** Lines of what processes have done, each appended whole. */
  readonly said: string;
  /** What each is in the middle of; see {@link Standing}. */
  readonly standings: string;
  /** While it is there nobody begins a commit. */
  readonly gate: string;
}

export function placeIn(directory: string): Place {
  return {
    root: join(directory, "root"),
    said: join(directory, "said"),
    standings: join(directory, "standings"),
    gate: join(directory, "gate"),
  };
}

/** What a process was doing when it was last about to change the disk. */
export interface Standing {
  /** Whether it held the lock, and what for. */
  readonly doing: "waiting" | "recovering" | "committing";
  /** How many changes it had begun since it had the lock. */
  readonly changes: number;
  /** How often in its life it has found an operation that somebody had left unfinished. */
  readonly recoveries: number;
}

/** Each process has a place of its own in the file, which outlives it. */
export const standingBytes = 12;
const doings = ["waiting", "recovering", "committing"] as const;

export function encodeStanding({ doing, changes, recoveries }: Standing): Buffer {
  const bytes = Buffer.alloc(standingBytes);
  bytes.writeUInt32LE(doings.indexOf(doing), 0);
  bytes.writeUInt32LE(changes, 4);
  bytes.writeUInt32LE(recoveries, 8);
  return bytes;
}

export function decodeStanding(bytes: Buffer): Standing {
  return {
    doing: doings[bytes.readUInt32LE(0)] ?? "waiting",
    changes: bytes.readUInt32LE(4),
    recoveries: bytes.readUInt32LE(8),
  };
}
