import fs from "node:fs";
import { dirname, join } from "node:path";
import { type Method, simpleMethod, type Work } from "../method.ts";

/** `writeFile` and `unlink` in a loop: neither atomic nor durable. */
export const plainLoop: Method = simpleMethod("plain writeFile loop", (work) => {
  for (const { path, text } of work.files) {
    const target = join(work.root, path);
    if (work.kind === "delete") fs.unlinkSync(target);
    else fs.writeFileSync(target, text);
  }
});

/** Temporary file and rename: each file is whole or absent for other programs; not durable. */
export const renameOnly: Method = simpleMethod("temp + rename, not durable", (work) => {
  for (const { path, text } of work.files) {
    const target = join(work.root, path);
    if (work.kind === "delete") {
      fs.unlinkSync(target);
      continue;
    }
    fs.writeFileSync(`${target}.tmp`, text, { flag: "wx" });
    fs.renameSync(`${target}.tmp`, target);
  }
});

/** What careful code does: per file temporary, fsync, rename, then fsync of each directory once. */
export const fsyncEach: Method = simpleMethod(
  "per file: temp, fsync, rename; fsync dirs",
  (work) => {
    for (const { path, text } of work.files) {
      const target = join(work.root, path);
      if (work.kind === "delete") {
        fs.unlinkSync(target);
        continue;
      }
      const descriptor = fs.openSync(`${target}.tmp`, "wx");
      fs.writeFileSync(descriptor, text);
      fs.fsyncSync(descriptor);
      fs.closeSync(descriptor);
      fs.renameSync(`${target}.tmp`, target);
    }
    for (const directory of directoriesOf(work)) {
      const descriptor = fs.openSync(directory, "r");
      fs.fsyncSync(descriptor);
      fs.closeSync(descriptor);
    }
  },
);

const inFlight = 32;

/** The same with 32 fsyncs in flight, which the kernel turns into a few commits of its journal. */
export const parallelFsync: Method = simpleMethod(
  "32-way parallel fsync",
  async (work) => {
    const queue = [...work.files];
    const worker = async () => {
      for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
        await replaceDurably(join(work.root, file.path), file.text);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    await Promise.all(directoriesOf(work).map(fsyncPath));
  },
  { threads: inFlight, kinds: ["create", "replace"] },
);

async function replaceDurably(target: string, text: string): Promise<void> {
  const handle = await fs.promises.open(`${target}.tmp`, "wx");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.promises.rename(`${target}.tmp`, target);
}

async function fsyncPath(path: string): Promise<void> {
  const handle = await fs.promises.open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function directoriesOf(work: Work): string[] {
  return [...new Set(work.files.map(({ path }) => dirname(join(work.root, path))))];
}
