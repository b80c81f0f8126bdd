import fs from "node:fs";
import { backgroundFilesMin } from "../../limits.ts";
import { closeAll } from "./background-job.ts";

/** Files that wait to be closed, of the whole process, as libuv's threads are. */
let waiting = 0;

/**
 * Lets libuv's threads close files; as with {@link closeAll}, nobody needs to know how it ended.
 * Where others keep these threads busy, files must not pile up: then they are closed at once.
 */
export async function closeFew(descriptors: readonly number[]): Promise<void> {
  if (waiting + descriptors.length > backgroundFilesMin) {
    closeAll(descriptors);
    return;
  }
  waiting += descriptors.length;
  await Promise.all(descriptors.map(closed));
}

function closed(descriptor: number): Promise<void> {
  return new Promise((resolve) => {
    fs.close(descriptor, () => {
      waiting -= 1;
      resolve();
    });
  });
}
