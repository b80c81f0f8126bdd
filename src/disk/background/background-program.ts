/** The thread behind `background-thread.ts`: takes up one job after another and answers each. */
import { parentPort } from "node:worker_threads";
import { type BackgroundJob, doJob } from "./background-job.ts";

parentPort?.on("message", (job: BackgroundJob) => parentPort?.postMessage(doJob(job)));
