/** The thread behind `kernel-notices.ts`: sends one message after the other. */
import { parentPort, workerData } from "node:worker_threads";
import type { NoticeWork } from "./kernel-notices.ts";
import { writeMessage } from "./write-message.ts";

const { device, sent } = workerData as NoticeWork;

parentPort?.on("message", (messages: readonly Uint8Array[]) => {
  for (const message of messages) {
    writeMessage(device, message);
    Atomics.add(sent, 0, 1);
    Atomics.notify(sent, 0);
  }
});
