import { totalmem } from "node:os";
import { join, resolve } from "node:path";
import { type OverlaySettings, readSettings } from "../../api/settings.ts";
import { alertThresholdsOf } from "../../config/alert-thresholds.ts";
import { type ConfigKeyName, configFiles } from "../../config/config-keys.ts";
import { configDirectoryVariable } from "../../config/default-values.ts";
import { readSystemHealth } from "../../config/system-health.ts";
import type { Disk } from "../../disk/disk.ts";
import { type StateDirectory, stateDirectoryOf } from "../../disk/state/state-directory.ts";
import { type DraftSummary, listDrafts } from "../../drafts/draft-list.ts";
import { reasonOf } from "../../errors.ts";
import { MIB } from "../../limits.ts";
import { AlertWatch } from "../../metrics/alert-watch.ts";
import type { Alert } from "../../metrics/alerts.ts";
import { MeasurementTail } from "../../metrics/measurement-tail.ts";
import { healthAlertsOf, type SystemHealth } from "../../metrics/system-health.ts";
import type { DashboardHealth, DashboardState } from "./dashboard-state.ts";
import { JournalLook } from "./journal-look.ts";
import { type MeasuredFigures, RecentMeasurements } from "./recent-measurements.ts";
import { signatureOf } from "./signature.ts";

/** Half of what a change may take to be seen: the other half is for whoever shows it. */
const lookEveryMs = 500;
const recentMax = 20;

/** What to watch, and by which clock. */
export interface ProjectWatchOptions {
  readonly root: string;
  readonly disk: Disk;
  /** Milliseconds since the epoch; the system's clock by default. */
  readonly now?: () => number;
}

/**
 * Looks at what is kept below a root, by whichever process, and puts it together. It only looks:
 * nothing is written, recovered or locked. What has not changed is not read again, and without
 * listeners nothing is looked at.
 */
export class ProjectWatch {
  readonly #disk: Disk;
  readonly #now: () => number;
  readonly #state: StateDirectory;
  readonly #journal: JournalLook;
  readonly #configPaths: readonly string[];
  readonly #listeners = new Set<(state: DashboardState) => void>();
  readonly #recent = new RecentMeasurements();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<DashboardState> | undefined;
  #shown: DashboardState | undefined;
  #shownText = "";
  #settings: OverlaySettings | undefined;
  #configProblem: Error | undefined;
  #configSignature: string | undefined;
  #tails: readonly MeasurementTail[] = [];
  #alerts: AlertWatch | undefined;
  #figures: MeasuredFigures | undefined;
  #figuresDueMs = 0;
  #drafts: readonly DraftSummary[] = [];
  /** Directories of drafts, also of those that are not saved yet. */
  #draftNames: readonly string[] = [];
  #draftsSignature: string | undefined;
  #draftsProblem: string | undefined;

  constructor({ root, disk, now = Date.now }: ProjectWatchOptions) {
    this.#disk = disk;
    this.#now = now;
    this.#state = stateDirectoryOf(root);
    this.#journal = new JournalLook(disk, this.#state);
    const named = process.env[configDirectoryVariable] ?? "";
    const directories = [root, this.#state.path, ...(named === "" ? [] : [resolve(named)])];
    const names = Object.keys(configFiles);
    this.#configPaths = directories.flatMap((one) => names.map((name) => join(one, name)));
  }

  /** What is wrong with the configuration: what held before, or the defaults, goes on. */
  get configProblem(): Error | undefined {
    return this.#configProblem;
  }

  /** Everything as it is now; the same object as before where nothing has changed. */
  look(): Promise<DashboardState> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Tells of every change, within a second. @returns what ends it. */
  listen(listener: (state: DashboardState) => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => void this.look(), lookEveryMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #lookNow(): Promise<DashboardState> {
    const nowMs = this.#now();
    const settings = await this.#lookAtSettings();
    const figures = this.#lookAtMeasurements(settings, nowMs);
    this.#lookAtDrafts();
    const health = readSystemHealth(this.#disk, this.#state.root, nowMs, () =>
      this.#journal.isStuck(nowMs),
    );
    const rounded = roundedDown(health);
    const found: DashboardState = {
      root: this.#state.root,
      changedAtMs: this.#shown?.changedAtMs ?? nowMs,
      notices: this.#noticesOf(settings),
      alerts: this.#alertsOf(settings, health, rounded),
      ...figures,
      targetImprovement: settings.values["write_optimization.performance.target_improvement"],
      health: shownHealthOf(rounded),
      drafts: this.#drafts,
      recent: this.#recent.latest(recentMax),
    };
    const text = JSON.stringify(found);
    if (this.#shown !== undefined && text === this.#shownText) return this.#shown;
    const shown = { ...found, changedAtMs: nowMs };
    this.#shown = shown;
    this.#shownText = JSON.stringify(shown);
    for (const listener of this.#listeners) listener(shown);
    return shown;
  }

  /** A configuration that is wrong changes nothing but that it is told of. */
  async #lookAtSettings(): Promise<OverlaySettings> {
    const signature = signatureOf(this.#disk, this.#configPaths);
    const before = this.#settings;
    if (before !== undefined && signature === this.#configSignature) return before;
    this.#configSignature = signature;
    const settings = await this.#readSettings(before);
    if (settings === before) return before;
    this.#settings = settings;
    this.#follow(settings);
    return settings;
  }

  async #readSettings(before: OverlaySettings | undefined): Promise<OverlaySettings> {
    try {
      const settings = await readSettings(this.#disk, this.#state);
      this.#configProblem = settings.problem;
      return settings.problem === undefined ? settings : (before ?? settings);
    } catch (error) {
      if (before === undefined) throw error;
      this.#configProblem = error instanceof Error ? error : new Error(String(error));
      return before;
    }
  }

  /** The files that commands and, with `collectMetrics`, programs keep measurements in. */
  #follow({ values, metricsDirectory }: OverlaySettings): void {
    const { root } = this.#state;
    const name = values["metrics.storage.file_path"];
    const paths = new Set([resolve(metricsDirectory, name), resolve(root, name)]);
    this.#tails = [...paths].map((path) => new MeasurementTail(this.#disk, root, path));
    this.#recent.clear();
    this.#alerts = undefined;
  }

  #lookAtMeasurements(settings: OverlaySettings, nowMs: number): MeasuredFigures {
    let news = this.#tails.map((tail) => tail.read());
    const isChanged = this.#alerts === undefined || news.some((one) => one !== undefined);
    if (this.#alerts !== undefined && news.some((one) => one?.isAnew)) {
      // All of them, so that what is gone is forgotten.
      this.#follow(settings);
      news = this.#tails.map((tail) => tail.read());
    }
    const added = news.flatMap((one) => one?.measurements ?? []);
    added.sort((one, other) => one.startedAtMs - other.startedAtMs);
    this.#recent.add(added);
    this.#alerts ??= alertWatchOf(settings);
    for (const measurement of added) this.#alerts.observe(measurement);
    const known = this.#figures;
    if (known !== undefined && !isChanged && nowMs <= this.#figuresDueMs) return known;
    this.#alerts.look(nowMs);
    const target = settings.values["write_optimization.performance.target_improvement"];
    const figures = this.#recent.figures(target, nowMs);
    this.#figures = figures;
    this.#figuresDueMs = this.#recent.nextChangeMs(nowMs);
    return figures;
  }

  #lookAtDrafts(): void {
    const { drafts } = this.#state;
    const indexes = this.#draftNames.map((name) => join(drafts, name, "index"));
    const signature = signatureOf(this.#disk, [drafts, ...indexes]);
    if (signature === this.#draftsSignature) return;
    // That of before the listing: what changes meanwhile is seen by the next look.
    this.#draftsSignature = signature;
    try {
      const isThere = this.#disk.lstat(drafts) !== undefined;
      this.#draftNames = isThere ? this.#disk.readdir(drafts).map(({ name }) => name) : [];
      this.#drafts = listDrafts(this.#disk, this.#state);
      this.#draftsProblem = undefined;
    } catch (error) {
      this.#draftsProblem = reasonOf(error);
    }
  }

  #alertsOf(
    { values }: OverlaySettings,
    health: SystemHealth,
    rounded: SystemHealth,
  ): DashboardState["alerts"] {
    const needed = ["alerts.enabled", "alerts.notifications.dashboard"] as const;
    const hiddenBy = needed.find((key) => !values[key]);
    if (hiddenBy !== undefined) return { hiddenBy, active: [] };
    const limit = values["write_optimization.performance.memory_limit"];
    const standing = new Set(healthAlertsOf(health, limit).map(({ id }) => id));
    // By the rounded figures, or the alert would be another one at each look.
    const ofSystem = healthAlertsOf(rounded, limit).filter(({ id }) => standing.has(id));
    const ofWork: readonly Alert[] = values["metrics.collection.enabled"]
      ? (this.#alerts?.active ?? [])
      : [];
    return { active: [...ofWork, ...ofSystem] };
  }

  #noticesOf({ values }: OverlaySettings): string[] {
    const off = (key: ConfigKeyName, isOff: boolean, text: string): string[] =>
      isOff ? [`${text} (${key}).`] : [];
    return [
      ...(this.#configProblem === undefined ? [] : [this.#configProblem.message]),
      ...off(
        "metrics.collection.enabled",
        !values["metrics.collection.enabled"],
        "Nothing is measured: figures are of earlier",
      ),
      ...off(
        "metrics.storage.backend",
        values["metrics.storage.backend"] === "memory",
        "Measurements are kept in memory alone, where the dashboard cannot see them",
      ),
      ...this.#tails.flatMap(({ path, problem }) =>
        problem === undefined ? [] : [`Measurements in ${path} cannot be read: ${problem}.`],
      ),
      ...(this.#draftsProblem === undefined ? [] : [this.#draftsProblem]),
    ];
  }
}

function alertWatchOf({ values }: OverlaySettings): AlertWatch {
  return new AlertWatch({
    thresholds: alertThresholdsOf(values),
    raisesCritical: values["safety.emergency.alert_on_critical"],
    onAlert: () => undefined,
  });
}

function roundedDown(health: SystemHealth): SystemHealth {
  const { memoryFreeBytes, diskFreeBytes } = health;
  return {
    ...health,
    memoryFreeBytes: sixtyFourthsOf(memoryFreeBytes),
    diskFreeBytes: sixtyFourthsOf(diskFreeBytes),
  };
}

function sixtyFourthsOf(bytes: number): number {
  if (!Number.isFinite(bytes) || bytes <= 0) return bytes;
  const step = Math.max(MIB, 2 ** (Math.floor(Math.log2(bytes)) - 6));
  return Math.floor(bytes / step) * step;
}

function shownHealthOf({
  memoryFreeBytes,
  diskFreeBytes,
  isJournalStuck,
}: SystemHealth): DashboardHealth {
  return {
    memoryFreeBytes,
    memoryBytes: totalmem(),
    diskFreeBytes: Number.isFinite(diskFreeBytes) ? diskFreeBytes : null,
    isJournalStuck,
  };
}
