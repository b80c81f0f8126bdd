import fs from "node:fs";
import { dirname } from "node:path";

/** How plain code brings content to a file. */
export interface FileWriter {
  write(path: string, content: string | Uint8Array): void;
  remove(path: string): void;
}

/** `writeFile` and `unlink`: torn by a crash, lost by a power cut. */
export const unsafeFiles: FileWriter = {
  write(path, content) {
    fs.writeFileSync(path, content);
  },
  remove(path) {
    fs.unlinkSync(path);
  },
};

/** What a careful person writes: temporary file, fsync, rename, fsync of the directory, per file. */
export const safeFiles: FileWriter = {
  write(path, content) {
    const descriptor = fs.openSync(`${path}.tmp`, "wx");
    try {
      fs.writeFileSync(descriptor, content);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(`${path}.tmp`, path);
    fsyncDirectory(dirname(path));
  },
  remove(path) {
    fs.unlinkSync(path);
    fsyncDirectory(dirname(path));
  },
};

/** Makes the names in a directory durable. */
export function fsyncDirectory(path: string): void {
  const descriptor = fs.openSync(path, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
