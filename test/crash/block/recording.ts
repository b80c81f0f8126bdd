import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BlockDevice, type FileSystem, makeImage } from "../../support/block-device.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import type { Committer } from "./committer.ts";
import { ForeignFsyncs } from "./foreign-fsyncs.ts";
import { carryOut, randomTransaction } from "./transaction.ts";
import { type TreeState, treeStateOf } from "./tree-state.ts";
import { type LogRecord, readWriteLog } from "./write-log.ts";

/** A run of a committer on a recorded disk. */
export interface Recording {
  /** The disk before the first record of the log. */
  readonly image: string;
  readonly log: readonly LogRecord[];
  /** The tree after 0, 1, 2… transactions: the only states that a crash may lead to. */
  readonly states: readonly TreeState[];
}

/** Name of the tree's root on the recorded file system. */
export const rootName = "root";

/**
 * Lets a committer carry out random transactions and records what reaches the disk. The log holds a
 * mark `begin N` before transaction N and `acknowledged N` after it has been promised.
 *
 * @param workspace - an empty directory on a tmpfs, for the image, the log and a twin of the tree.
 */
export async function record(
  committer: Committer,
  options: {
    readonly workspace: string;
    readonly fileSystem: FileSystem;
    readonly transactions: number;
    readonly seed: number;
    readonly hardLinks: boolean;
  },
): Promise<Recording> {
  const random = new SeededRandom(options.seed);
  const image = join(options.workspace, "image");
  const log = join(options.workspace, "log");
  // The twin gets the same operations from plain node:fs on a disk that never fails: the oracle.
  const twin = join(options.workspace, "twin");
  fs.mkdirSync(twin);
  const first = randomTransaction(random, treeStateOf(twin), "start", options);
  for (const operation of first) carryOut(fs, twin, operation);
  await prepareImage(image, options.fileSystem, twin);

  const states = [treeStateOf(twin)];
  await using device = await BlockDevice.open(image, { log, flushDelayUs: 150 });
  const root = join(device.mount(options.fileSystem), rootName);
  {
    await using _foreign = await ForeignFsyncs.start(
      join(device.mountPath, "foreign"),
      options.seed,
    );
    for (let number = 1; number <= options.transactions; number++) {
      const operations = randomTransaction(
        random,
        states.at(-1) as TreeState,
        `t${number}`,
        options,
      );
      for (const operation of operations) carryOut(fs, twin, operation);
      states.push(treeStateOf(twin));
      device.mark(`begin ${number}`);
      await committer.commit(root, operations);
      device.mark(`acknowledged ${number}`);
      await pause(random.between(0, 8));
    }
    device.mark("end");
    committer.close();
  }
  return { image, log: readWriteLog(log), states };
}

async function prepareImage(image: string, fileSystem: FileSystem, tree: string): Promise<void> {
  makeImage(image, fileSystem);
  await using device = await BlockDevice.open(image, { keep: true });
  // Unlike fs.cpSync, cp keeps hard links what they are.
  execFileSync("cp", ["-a", tree, join(device.mount(fileSystem), rootName)]);
  device.unmount();
}
