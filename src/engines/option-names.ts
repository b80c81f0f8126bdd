import type { NamesOf } from "../check-options.ts";
import type { MeasuringOptions } from "../metrics/meter.ts";
import type { PipelinedBatchOptions } from "./batch/run-batch.ts";
import type { TransactionOptions } from "./batch/transaction.ts";
import type { ExtentEditOptions } from "./coalesce/edit-extents.ts";
import type { MultiEditOptions } from "./coalesce/multi-edit.ts";
import type { RootedPipelineOptions } from "./optimizer/rooted-pipeline.ts";
import type { PipelineOptions } from "./optimizer/write-pipeline.ts";
import type { OptimizerSettings } from "./optimizer-settings.ts";
import type { ExplicitBatchOptions } from "./run-batch-or-plain.ts";
import type { ReadStreamOptions, StreamOptions, StreamWriterOptions } from "./stream/stream.ts";
import type { FindTemplatesOptions } from "./template/find-templates.ts";
import type { RecordOptions } from "./trace/record-trace.ts";
import type { ReplayOptions } from "./trace/replay-trace.ts";
import type { ChangeTraceOptions } from "./trace/trace-changes.ts";

/** The options of every engine, by name; see `checkOptions`. */

const measuring = { meter: true, observer: true } satisfies NamesOf<MeasuringOptions>;

export const settingsNames = {
  enabled: "flag",
  operationsForBatchMin: "number",
  contentBytesMin: "number",
  // `checkBatchSize` looks at it.
  batchFilesMax: true,
  windowMs: "number",
  streamBytesMin: "number",
  profile: true,
} satisfies NamesOf<OptimizerSettings>;

export const multiEditNames = {
  settings: settingsNames,
  onFallback: true,
  onRead: true,
  ...measuring,
} satisfies NamesOf<MultiEditOptions>;

export const batchNames = {
  settings: settingsNames,
  atomic: "flag",
  keepDone: "flag",
  oneByOne: "flag",
  maxBatchSize: true,
  signal: true,
  onProgress: true,
  onFallback: true,
  ...measuring,
} satisfies NamesOf<ExplicitBatchOptions>;

/** Whoever runs a batch or does without hands its own options on. */
export const runBatchNames = {
  ...batchNames,
  nodes: true,
} satisfies NamesOf<PipelinedBatchOptions>;

export const transactionNames = {
  retries: "number",
  settings: settingsNames,
  templates: true,
  signal: true,
  onProgress: true,
  onFallback: true,
  ...measuring,
} satisfies NamesOf<TransactionOptions>;

export const extentEditNames = {
  signal: true,
  onProgress: true,
  ...measuring,
} satisfies NamesOf<ExtentEditOptions>;

export const streamNames = {
  signal: true,
  onProgress: true,
  ...measuring,
} satisfies NamesOf<StreamOptions>;

export const readStreamNames = { reuseChunk: true } satisfies NamesOf<ReadStreamOptions>;

export const transformStreamNames = { ...streamNames, ...readStreamNames };

export const streamWriterNames = {
  onFinish: true,
  ...measuring,
} satisfies NamesOf<StreamWriterOptions>;

const openPipeline = {
  meter: true,
  insideBatch: true,
  onFallback: true,
  signal: true,
  runBatch: true,
  editExtents: true,
  now: true,
} satisfies NamesOf<Omit<PipelineOptions, "settings" | "templates">>;

export const pipelineNames = {
  settings: settingsNames,
  templates: true,
  ...openPipeline,
} satisfies NamesOf<PipelineOptions>;

export const rootedPipelineNames = {
  agent: true,
  ...openPipeline,
} satisfies NamesOf<RootedPipelineOptions>;

export const findTemplatesNames = {
  signal: true,
  onProgress: true,
} satisfies NamesOf<FindTemplatesOptions>;

export const recordNames = {
  content: ["inline", "hash"],
  now: true,
} satisfies NamesOf<RecordOptions>;

export const replayNames = {
  strategies: true,
  settings: settingsNames,
  signal: true,
  onProgress: true,
  open: true,
} satisfies NamesOf<ReplayOptions>;

export const changeTraceNames = {
  content: ["inline", "hash"],
  sinceMs: true,
} satisfies NamesOf<ChangeTraceOptions>;
