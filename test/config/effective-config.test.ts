import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { configKeys } from "../../src/config/config-keys.ts";
import { defaultConfigValues } from "../../src/config/default-values.ts";
import { effectiveConfig, originText } from "../../src/config/effective-config.ts";
import { parseConfig } from "../../src/config/parse-config.ts";
import { isDraftError } from "../../src/errors.ts";
import { suggestName } from "../../src/suggest-name.ts";
import { plant, temporaryDirectory } from "../engines/support/plain-overlay.ts";

function configOver(files: Record<string, string>, environment: Record<string, string> = {}) {
  const root = temporaryDirectory();
  plant(root, files);
  return { root, ...effectiveConfig({ root, environment }) };
}

/** The problems of one file, as `line:column: message`. */
function problemsOf(text: string, file: Parameters<typeof parseConfig>[0]): string[] {
  return parseConfig(file, file, text).problems.map(
    ({ line, column, message }) => `${line}:${column}: ${message}`,
  );
}

/** Every key with a value other than its default, as written and as it becomes. */
const others: Record<keyof typeof configKeys, readonly [written: string, value: unknown]> = {
  "write_optimization.enabled": ["false", false],
  "write_optimization.thresholds.min_operations_for_batch": ["7", 7],
  "write_optimization.thresholds.min_content_size_for_optimization": ["10", 10],
  "write_optimization.thresholds.max_batch_size": ["9", 9],
  "write_optimization.safety.backup_enabled": ["false", false],
  "write_optimization.safety.rollback_timeout": ["60", 60_000],
  "write_optimization.safety.validation_level": ["minimal", "minimal"],
  "write_optimization.integrations.pre_commit": ["false", false],
  "write_optimization.integrations.ci_cd": ["false", false],
  "write_optimization.integrations.git_hooks": ["false", false],
  "write_optimization.performance.target_improvement": ["0.5", 0.5],
  "write_optimization.performance.memory_limit": ['"1.5GB"', 1.5 * 1024 ** 3],
  "write_optimization.performance.io_timeout": ["2.5", 2500],
  "agent_optimizations.builder.template_extraction": ["false", false],
  "agent_optimizations.builder.batch_generation": ["false", false],
  "agent_optimizations.builder.memory_streaming": ["false", false],
  "agent_optimizations.reviewer.coalesced_edits": ["false", false],
  "agent_optimizations.reviewer.atomic_application": ["false", false],
  "agent_optimizations.reviewer.rollback_enabled": ["false", false],
  "agent_optimizations.tester.batch_test_generation": ["false", false],
  "agent_optimizations.tester.parallel_execution": ["true", true],
  "agent_optimizations.ci_diagnostic.batch_config_updates": ["false", false],
  "agent_optimizations.ci_diagnostic.template_based_fixes": ["false", false],
  "metrics.collection.enabled": ["false", false],
  "metrics.collection.interval": ["500ms", 500],
  "metrics.collection.retention": ["12h", 43_200_000],
  "metrics.performance.track_timing": ["false", false],
  "metrics.performance.track_memory": ["false", false],
  "metrics.performance.track_io": ["false", false],
  "metrics.performance.track_system": ["true", true],
  "metrics.safety.track_integrity_checks": ["false", false],
  "metrics.safety.track_rollbacks": ["false", false],
  "metrics.safety.track_recovery_operations": ["false", false],
  "metrics.storage.backend": ["memory", "memory"],
  "metrics.storage.file_path": ["m.json", "m.json"],
  "metrics.storage.max_file_size": ["64 KiB", 65_536],
  "alerts.enabled": ["false", false],
  "alerts.thresholds.performance_gain_warning": ["0.2", 0.2],
  "alerts.thresholds.integrity_failure_critical": ["0", 0],
  "alerts.thresholds.rollback_rate_warning": ["1", 1],
  "alerts.notifications.email": ["true", true],
  "alerts.notifications.log": ["false", false],
  "alerts.notifications.dashboard": ["false", false],
  "safety.integrity_checks.enabled": ["false", false],
  "safety.integrity_checks.level": ["normal", "normal"],
  "safety.backups.enabled": ["false", false],
  "safety.backups.retention": ["0", 0],
  "safety.backups.compression": ["false", false],
  "safety.rollback.enabled": ["false", false],
  "safety.rollback.timeout": ["2m", 120_000],
  "safety.rollback.auto_rollback_on_error": ["false", false],
  "safety.validation.pre_write": ["false", false],
  "safety.validation.post_write": ["false", false],
  "safety.validation.content_validation": ["false", false],
  "safety.emergency.shutdown_on_critical": ["false", false],
  "safety.emergency.alert_on_critical": ["false", false],
  "safety.emergency.recovery_attempts": ["5", 5],
};

function fileOf(key: string): string {
  if (key.startsWith("write_optimization.")) return "write_optimization_config.yaml";
  if (key.startsWith("agent_optimizations.")) return "agent_optimization_config.yaml";
  return key.startsWith("safety.") ? "safety_config.yaml" : "metrics_config.yaml";
}

function yamlOf(key: string, written: string): string {
  const names = key.split(".");
  const nested = names.map((name, depth) => `${"  ".repeat(depth)}${name}:`).join("\n");
  return `${nested} ${written}\n`;
}

describe("the configuration", () => {
  it("has the documented defaults", () => {
    expect(defaultConfigValues()).toMatchObject({
      "write_optimization.enabled": true,
      "write_optimization.thresholds.min_operations_for_batch": 3,
      "write_optimization.thresholds.min_content_size_for_optimization": 1024,
      "write_optimization.thresholds.max_batch_size": 50,
      "write_optimization.safety.rollback_timeout": 30_000,
      "write_optimization.safety.validation_level": "strict",
      "write_optimization.performance.target_improvement": 0.3,
      "write_optimization.performance.memory_limit": 100 * 1024 * 1024,
      "write_optimization.performance.io_timeout": 10_000,
      "agent_optimizations.tester.parallel_execution": false,
      "metrics.collection.interval": 1000,
      "metrics.collection.retention": 30 * 86_400_000,
      "metrics.storage.backend": "file",
      "metrics.storage.file_path": ".write_optimization_metrics.json",
      "alerts.thresholds.performance_gain_warning": 0.15,
      "alerts.thresholds.integrity_failure_critical": 0.001,
      "alerts.thresholds.rollback_rate_warning": 0.05,
      "alerts.notifications.email": false,
      "safety.backups.retention": 10,
      "safety.rollback.timeout": 30_000,
      "safety.emergency.recovery_attempts": 3,
    });
  });

  it.each(Object.entries(others))("takes %s from its file", (key, [written, value]) => {
    const { values, lines, root } = configOver({ [fileOf(key)]: yamlOf(key, written) });
    expect(values).toEqual({ ...defaultConfigValues(), [key]: value });
    expect(defaultConfigValues()).not.toMatchObject({ [key]: value });
    const line = lines.find((one) => one.key === key);
    expect(line?.origin).toMatchObject({ kind: "file", path: join(root, fileOf(key)) });
    expect(lines.filter((one) => one.origin.kind !== "default")).toHaveLength(1);
  });

  it("merges key by key: root, then .draftfs, then the directory of the environment", () => {
    const file = "write_optimization_config.yaml";
    const thresholds = (text: string) => `write_optimization:\n  thresholds:\n${text}`;
    const strongest = temporaryDirectory();
    plant(strongest, { [file]: thresholds("    max_batch_size: 30\n") });
    const { values, lines, files, root } = configOver(
      {
        [file]: thresholds("    min_operations_for_batch: 4\n    max_batch_size: 10\n"),
        [`.draftfs/${file}`]: thresholds(
          "    max_batch_size: 20\n    min_content_size_for_optimization: 2\n",
        ),
      },
      { DRAFTFS_CONFIG_DIR: strongest },
    );
    expect(values).toMatchObject({
      "write_optimization.thresholds.min_operations_for_batch": 4,
      "write_optimization.thresholds.max_batch_size": 30,
      "write_optimization.thresholds.min_content_size_for_optimization": 2,
    });
    expect(files).toEqual([join(root, file), join(root, ".draftfs", file), join(strongest, file)]);
    const origins = lines.map(({ key, origin }) => [key, originText(origin)]);
    expect(Object.fromEntries(origins)).toMatchObject({
      "write_optimization.enabled": "default",
      "write_optimization.thresholds.max_batch_size": `${join(strongest, file)}:3`,
      "write_optimization.thresholds.min_content_size_for_optimization": `${join(root, ".draftfs", file)}:4`,
    });
  });

  it("is switched off by WRITE_OPTIMIZATION_LEGACY=true, whatever the files say", () => {
    const files = { "write_optimization_config.yaml": "write_optimization: { enabled: true }" };
    const { values, lines } = configOver(files, { WRITE_OPTIMIZATION_LEGACY: "true" });
    expect(values["write_optimization.enabled"]).toBe(false);
    expect(lines[0]?.origin).toEqual({
      kind: "environment",
      variable: "WRITE_OPTIMIZATION_LEGACY",
    });
    const off = configOver(files, { WRITE_OPTIMIZATION_LEGACY: "false" });
    expect(off.values["write_optimization.enabled"]).toBe(true);
  });

  it("says what is wrong, where, in all files at once", () => {
    try {
      configOver({
        "write_optimization_config.yaml": "write_optimization:\n  enabeld: true\n",
        "safety_config.yaml": "safety:\n  backups:\n    retention: many\n",
      });
      expect.unreachable();
    } catch (error) {
      if (!isDraftError(error)) throw error;
      expect(error.code).toBe("DRAFT_CONFIG");
      expect(error.message).toMatch(
        /write_optimization_config\.yaml:2:3: .*Did you mean enabled\?\n.*safety_config\.yaml:3:16: /,
      );
      expect(error.details["problems"]).toHaveLength(2);
    }
    expect(() => configOver({}, { DRAFTFS_CONFIG_DIR: "/nowhere/at/all" })).toThrow(/is not there/);
  });
});

describe("a configuration file", () => {
  const file = "write_optimization_config.yaml";

  it.each([
    [
      "write_optimization:\n  thresholds:\n    max_batch_size: 0\n",
      "3:21: .* a whole number from 1",
    ],
    ["write_optimization:\n  enabled: yes\n", '2:12: .* true or false, not "yes"'],
    ["write_optimization:\n  performance:\n    memory_limit: 10XB\n", '3:19: .*"10XB"'],
    ["write_optimization:\n  performance:\n    io_timeout: -1\n", "3:17: .* a time"],
    ["write_optimization:\n  enabled: [true]\n", "2:3: .* not something else"],
    ["write_optimization:\n  enabled: true\n  enabled: false\n", "3:3: .*unique"],
    ["write_optimization: true\n", "1:1: .* is a section"],
    ["write_optimisation:\n  enabled: true\n", "1:1: .*Did you mean write_optimization\\?"],
    ["safety:\n  rollback:\n    enabled: true\n", "1:1: safety belongs into safety_config.yaml"],
    ["metrics: {}\n", "1:1: metrics belongs into metrics_config.yaml"],
    ["write_optimization:\n  zzzzzzzz: 1\n", "2:3: .*Known here: enabled, thresholds"],
    ["- a\n", "1:1: .*keys and values"],
    ["a: [\n", "2:1: "],
    ["write_optimization:\n  ? { a: 1 }\n  : 2\n", "2:5: there is no key .*a.*1"],
    [
      "write_optimization:\n  performance:\n    target_improvement: .inf\n",
      "3:25: .* not Infinity",
    ],
  ])("is refused with its line and column: %j", (text, expected) => {
    expect(problemsOf(text, file).join("\n")).toMatch(new RegExp(`^${expected}`));
  });

  it("may be empty, have empty sections, and use anchors", () => {
    expect(problemsOf("", file)).toEqual([]);
    expect(problemsOf("# nothing\nwrite_optimization:\n  thresholds:\n", file)).toEqual([]);
    const text =
      "write_optimization:\n  integrations: { pre_commit: &off false, ci_cd: *off }\n  enabled: *off\n";
    const { settings, problems } = parseConfig(file, file, text);
    expect(problems).toEqual([]);
    expect(settings.map(({ value }) => value)).toEqual([false, false, false]);
  });

  it("keeps figures inside of the root only, and out of what is ours or of git", () => {
    const problemsOf = (path: string) => {
      const text = `metrics: { storage: { file_path: ${JSON.stringify(path)} } }`;
      return parseConfig("metrics_config.yaml", "m.yaml", text).problems.length;
    };
    const outside = ["/etc/passwd", "../m.json", "a/../../m.json", "..", ".", "", "a/"];
    expect(outside.map(problemsOf)).toEqual(outside.map(() => 1));
    const guarded = [".draftfs/journal/current", ".git/m.json", "a/.GIT/m", "./.draftfs/m.json"];
    expect(guarded.map(problemsOf)).toEqual(guarded.map(() => 1));
    expect(["m.json", "a/m.json", "a/../m.json", "..m.json"].map(problemsOf)).toEqual([0, 0, 0, 0]);
  });
});

describe("a suggestion", () => {
  it("is given for what is near, and for nothing else", () => {
    expect(suggestName("max_batchsize", ["max_batch_size", "enabled"])).toBe("max_batch_size");
    expect(suggestName("zzz", ["max_batch_size", "enabled"])).toBeUndefined();
  });
});
