/** The thread behind `kernel-notices.ts`: sends one message after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { begunAt, type NoticeWork, sentAt } from "./kernel-notices.ts";
import { writeMessage } from "./write-message.ts";

const { device, progress } = workerData as NoticeWork;

advance(begunAt);

parentPort?.on("message", (messages: readonly Uint8Array[]) => {
  for (const message of messages) {
    writeMessage(device, message);
    advance(sentAt);
  }
});

function advance(at: number): void {
  Atomics.add(progress, at, 1);
  Atomics.notify(progress, at);
}
