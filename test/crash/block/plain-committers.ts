import fs from "node:fs";
import { dirname, join } from "node:path";
import type { Committer } from "./committer.ts";
import { carryOut, type Operation, type TransactionFs } from "./transaction.ts";

/** No journal: every file by temporary file and rename, nothing else. */
export const renameCommitter: Committer = {
  async commit(root, operations) {
    for (const operation of operations)
      carryOut(
        withReplacing(() => undefined),
        root,
        operation,
      );
  },
  recover: sweep,
  close: () => undefined,
};

/** No journal: what careful code does, fsync of each file, rename, fsync of each directory. */
export const fsyncEachCommitter: Committer = {
  async commit(root, operations) {
    for (const operation of operations) {
      carryOut(withReplacing(fs.fsyncSync), root, operation);
      for (const directory of directoriesOf(root, operation)) fsyncDirectory(directory);
    }
  },
  recover: sweep,
  close: () => undefined,
};

const temporarySuffix = ".temporary";

function withReplacing(beforeRename: (descriptor: number) => void): TransactionFs {
  return {
    ...fs,
    writeFileSync(path, data) {
      const temporary = `${String(path)}${temporarySuffix}`;
      const descriptor = fs.openSync(temporary, "w");
      try {
        fs.writeFileSync(descriptor, data);
        beforeRename(descriptor);
      } finally {
        fs.closeSync(descriptor);
      }
      fs.renameSync(temporary, path as string);
    },
  };
}

function directoriesOf(root: string, operation: Operation): string[] {
  const paths = operation.kind === "move" ? [operation.path, operation.from] : [operation.path];
  return paths.map((path) => dirname(join(root, path))).filter((path) => fs.existsSync(path));
}

function fsyncDirectory(path: string): void {
  const descriptor = fs.openSync(path, "r");
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}

/** Removes temporary files: the most that can be done without a journal. */
async function sweep(root: string): Promise<void> {
  for (const name of fs.readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(temporarySuffix)) fs.rmSync(join(root, name));
  }
}
