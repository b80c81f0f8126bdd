/** The thread behind `background-files.ts`: takes up one batch after another and answers each. */
import { parentPort } from "node:worker_threads";
import { createBatch, type FileBatch } from "./file-batch.ts";

parentPort?.on("message", (batch: FileBatch) => parentPort?.postMessage(createBatch(batch)));
