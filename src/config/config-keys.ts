import {
  duration,
  filePath,
  oneOf,
  share,
  size,
  truth,
  type ValueKind,
  wholeNumber,
} from "./value-kind.ts";

/** The parts of draftfs that act on a key. */
export type KeyReader =
  | "engines"
  | "overlay"
  | "commit"
  | "metrics"
  | "alerts"
  | "recovery"
  | "agents"
  | "dashboard";

/** One key of the configuration. */
export interface ConfigKey<Value> {
  readonly kind: ValueKind<Value>;
  /** As it would be written in the file. */
  readonly standard: boolean | number | string;
  readonly reader: KeyReader;
  readonly meaning: string;
}

/** The four files, each with the sections that stand at its top level. */
export const configFiles = {
  "write_optimization_config.yaml": ["write_optimization"],
  "agent_optimization_config.yaml": ["agent_optimizations"],
  "metrics_config.yaml": ["metrics", "alerts"],
  "safety_config.yaml": ["safety"],
} as const;

export type ConfigFileName = keyof typeof configFiles;

function key<Value>(
  kind: ValueKind<Value>,
  standard: boolean | number | string,
  reader: KeyReader,
  meaning: string,
): ConfigKey<Value> {
  return { kind, standard, reader, meaning };
}

const count = wholeNumber(0, 1_000_000);
const level = oneOf("strict", "normal", "minimal");

/** Every key that there is. */
export const configKeys = {
  "write_optimization.enabled": key(truth, true, "engines", "Whether anything is optimised"),
  "write_optimization.thresholds.min_operations_for_batch": key(
    wholeNumber(2, 1000),
    3,
    "engines",
    "Similar operations that make a batch",
  ),
  "write_optimization.thresholds.min_content_size_for_optimization": key(
    wholeNumber(0, 1_000_000_000),
    1024,
    "engines",
    "Bytes from which a single write is looked at",
  ),
  "write_optimization.thresholds.max_batch_size": key(
    wholeNumber(1, 100_000),
    50,
    "engines",
    "Files of one batch that are in flight",
  ),
  "write_optimization.safety.backup_enabled": key(
    truth,
    true,
    "recovery",
    "Keep more than the last operation for undo",
  ),
  "write_optimization.safety.rollback_timeout": key(
    duration,
    30,
    "recovery",
    "Time that an undo, redo or restore may take",
  ),
  "write_optimization.safety.validation_level": key(
    level,
    "strict",
    "commit",
    "How much is checked before a commit",
  ),
  "write_optimization.integrations.pre_commit": key(
    truth,
    true,
    "engines",
    "Optimise in hooks of pre-commit",
  ),
  "write_optimization.integrations.ci_cd": key(truth, true, "engines", "Optimise in CI"),
  "write_optimization.integrations.git_hooks": key(
    truth,
    true,
    "engines",
    "Optimise in what git runs",
  ),
  "write_optimization.performance.target_improvement": key(
    share,
    0.3,
    "metrics",
    "Mean gain that the figures are held against",
  ),
  "write_optimization.performance.memory_limit": key(
    size,
    "100MB",
    "overlay",
    "Content held in memory before it spills to disk",
  ),
  "write_optimization.performance.io_timeout": key(
    duration,
    10,
    "commit",
    "Time to wait for another committer",
  ),
  "agent_optimizations.builder.template_extraction": agent(
    "Look for templates among what is written, and keep them",
  ),
  "agent_optimizations.builder.batch_generation": agent("Let operations wait, to be done together"),
  "agent_optimizations.builder.memory_streaming": agent("Read and edit huge files in pieces"),
  "agent_optimizations.reviewer.coalesced_edits": agent(
    "One read and one write a file, not one an edit",
  ),
  "agent_optimizations.reviewer.atomic_application": agent(
    "All of a set of edits or none; else what fits",
  ),
  "agent_optimizations.reviewer.rollback_enabled": agent("Take back what a failing set has done"),
  "agent_optimizations.tester.batch_test_generation": agent(
    "Let operations wait, to be done together",
  ),
  "agent_optimizations.tester.parallel_execution": key(
    truth,
    false,
    "agents",
    "Run commands at the same time",
  ),
  "agent_optimizations.ci_diagnostic.batch_config_updates": agent(
    "Let operations wait, to be done together",
  ),
  "agent_optimizations.ci_diagnostic.template_based_fixes": agent(
    "Look for templates among what is written, and keep them",
  ),
  "metrics.collection.enabled": key(truth, true, "metrics", "Measure operations"),
  "metrics.collection.interval": key(
    duration,
    "1s",
    "metrics",
    "Time between two writes to the file",
  ),
  "metrics.collection.retention": key(duration, "30d", "metrics", "How long figures are kept"),
  "metrics.performance.track_timing": key(truth, true, "metrics", "Measure time"),
  "metrics.performance.track_memory": key(truth, true, "metrics", "Measure memory"),
  "metrics.performance.track_io": key(truth, true, "metrics", "Count reads and writes"),
  "metrics.performance.track_system": key(truth, false, "metrics", "Note the load of the system"),
  "metrics.safety.track_integrity_checks": key(truth, true, "metrics", "Count integrity checks"),
  "metrics.safety.track_rollbacks": key(truth, true, "metrics", "Count rollbacks"),
  "metrics.safety.track_recovery_operations": key(truth, true, "metrics", "Count recoveries"),
  "metrics.storage.backend": key(
    oneOf("file", "database", "memory"),
    "file",
    "metrics",
    "Where figures are kept",
  ),
  "metrics.storage.file_path": key(
    filePath,
    ".write_optimization_metrics.json",
    "metrics",
    "File that figures are kept in",
  ),
  "metrics.storage.max_file_size": key(size, "100MB", "metrics", "Size of that file at most"),
  "alerts.enabled": key(truth, true, "alerts", "Raise alerts"),
  "alerts.thresholds.performance_gain_warning": key(
    share,
    0.15,
    "alerts",
    "Mean gain below which to warn",
  ),
  "alerts.thresholds.integrity_failure_critical": key(
    share,
    0.001,
    "alerts",
    "Share of failed integrity checks that is critical",
  ),
  "alerts.thresholds.rollback_rate_warning": key(
    share,
    0.05,
    "alerts",
    "Share of operations taken back unasked above which to warn",
  ),
  "alerts.notifications.email": key(truth, false, "alerts", "Send alerts by mail"),
  "alerts.notifications.log": key(truth, true, "alerts", "Write alerts among the measurements"),
  "alerts.notifications.dashboard": key(truth, true, "dashboard", "Show alerts on the dashboard"),
  "safety.integrity_checks.enabled": key(truth, true, "commit", "Check before a commit at all"),
  "safety.integrity_checks.level": key(
    level,
    "strict",
    "commit",
    "The same; the stricter of the two holds",
  ),
  "safety.backups.enabled": key(
    truth,
    true,
    "recovery",
    "Keep more than the last operation for undo",
  ),
  "safety.backups.retention": key(
    count,
    10,
    "recovery",
    "Operations that gc keeps for undo; at least 1",
  ),
  "safety.backups.compression": key(truth, true, "recovery", "Compress what gc packs"),
  "safety.rollback.enabled": key(truth, true, "recovery", "Allow undo, redo and restore"),
  "safety.rollback.timeout": key(
    duration,
    "30s",
    "recovery",
    "The same; the shorter of the two holds",
  ),
  "safety.rollback.auto_rollback_on_error": key(
    truth,
    true,
    "overlay",
    "Take a transaction back that fails",
  ),
  "safety.validation.pre_write": key(
    truth,
    true,
    "commit",
    "Look at directories and room before writing",
  ),
  "safety.validation.post_write": key(truth, true, "commit", "Read back what was written"),
  "safety.validation.content_validation": key(
    truth,
    true,
    "commit",
    "Look at what is to be written",
  ),
  "safety.emergency.shutdown_on_critical": key(
    truth,
    true,
    "recovery",
    "Change nothing more once damage was met",
  ),
  "safety.emergency.alert_on_critical": key(truth, true, "alerts", "Raise critical alerts"),
  "safety.emergency.recovery_attempts": key(
    wholeNumber(0, 100),
    3,
    "recovery",
    "Attempts before a person is asked; at least 1",
  ),
} as const;

export type ConfigKeyName = keyof typeof configKeys;

/** The value of each key: sizes in bytes, times in milliseconds. */
export type ConfigValues = {
  readonly [Name in ConfigKeyName]: (typeof configKeys)[Name] extends ConfigKey<infer Value>
    ? Value
    : never;
};

function agent(meaning: string): ConfigKey<boolean> {
  return key(truth, true, "agents", meaning);
}
