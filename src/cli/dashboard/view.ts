import type { Alert } from "../../metrics/alerts.ts";
import type { Measurement } from "../../metrics/measurement.ts";
import type { Aggregate } from "../../metrics/measurement-window.ts";
import { printable } from "../terminal.ts";
import { localTime } from "../view/local-time.ts";
import { bytesText, countText } from "../view/quantities.ts";
import type { DashboardAlerts, DashboardState } from "./dashboard-state.ts";
import { type Html, html } from "./html.ts";

/** What the page shows of a state. Pure. */
export function viewOf(state: DashboardState): string {
  const { windows, changedAtMs } = state;
  const view = html`
<p class="changed">Last change ${localTime(new Date(changedAtMs))}</p>
${state.notices.map((notice) => html`<p class="notice">${printable(notice)}</p>`)}
${alertsOf(state.alerts)}
<div class="cards">
${card("Performance", overWindows(windows, performanceRows))}
${card("Safety", overWindows(windows, safetyRows))}
${card("Optimisation, last day", optimizationsOf(state))}
${card("System", systemOf(state))}
${card("Operations, last day", operationsOf(state))}
${card("Pending drafts", draftsOf(state))}
</div>
${card("Last operations", recentOf(state.recent))}`;
  return view.text;
}

function card(title: string, content: Html): Html {
  return html`<section><h2>${title}</h2>${content}</section>`;
}

function alertsOf({ hiddenBy, active }: DashboardAlerts): Html {
  if (hiddenBy !== undefined) {
    return html`<p class="notice">Alerts are not shown: ${hiddenBy} is false.</p>`;
  }
  if (active.length === 0) return html`<p class="good">No alerts.</p>`;
  return html`<ul class="alerts">${active.map(alertOf)}</ul>`;
}

function alertOf({ severity, kind, id, message }: Alert): Html {
  return html`<li class="${severity}"><strong>${severity}</strong> ${printable(message)}
<small>${kind}, ${id}</small></li>`;
}

type Row = readonly [label: string, valueOf: (figures: Aggregate) => string];

const performanceRows: readonly Row[] = [
  ["Operations", ({ operations }) => whole(operations)],
  ["Failed", ({ failed }) => whole(failed)],
  ["Refused", ({ refused }) => whole(refused)],
  ["Duration, median", ({ durationMedianMs: ms }) => (ms === 0 ? "–" : took(ms))],
  ["Duration, 95 % within", ({ durationP95Ms: ms }) => (ms === 0 ? "–" : took(ms))],
  ["Calls", ({ calls }) => whole(calls)],
  ["Written", ({ bytesWritten }) => bytesText(bytesWritten)],
  ["Memory at most", ({ peakMemoryBytes: peak }) => (peak === 0 ? "–" : bytesText(peak))],
];

const safetyRows: readonly Row[] = [
  ["Errors", ({ safety }) => ofShare(safety.errors, safety.errorRate)],
  ["Critical errors", ({ safety }) => whole(safety.criticalErrors)],
  ["Rollbacks", ({ safety }) => ofShare(safety.rollbacks, safety.rollbackRate)],
  [
    "Rollbacks that succeeded",
    ({ safety }) => (safety.rollbacks === 0 ? "–" : percent(safety.rollbackSuccessRate)),
  ],
  ["Integrity checks", ({ safety }) => whole(safety.integrityChecks)],
  [
    "Checks that failed",
    ({ safety }) => (safety.integrityChecks === 0 ? "–" : percent(safety.integrityFailureRate)),
  ],
  ["Recoveries", ({ safety }) => whole(safety.recoveries)],
  [
    "Recovery, mean / longest",
    ({ safety }) =>
      safety.recoveries === 0
        ? "–"
        : `${took(safety.recoveryMeanMs)} / ${took(safety.recoveryMaxMs)}`,
  ],
];

function overWindows({ minute, hour, day }: DashboardState["windows"], rows: readonly Row[]): Html {
  const lines = rows.map(([label, textOf]) => {
    const cells = [minute, hour, day].map((figures) => html`<td>${textOf(figures)}</td>`);
    return html`<tr><th scope="row">${label}</th>${cells}</tr>`;
  });
  return table(["", "Minute", "Hour", "Day"], lines);
}

function optimizationsOf({ windows, optimizations, targetImprovement }: DashboardState): Html {
  const { operations, optimized, averageGain, meetsTarget } = windows.day;
  if (operations === 0) return nothing("Nothing was measured.");
  const share = percent(optimized / operations);
  const lines = optimizations.map((one) => {
    const isPlain = one.kind === "none";
    return html`<tr><th scope="row">${isPlain ? "standard path" : one.kind}</th>
<td>${whole(one.operations)}</td><td>${isPlain ? "–" : percent(one.averageGain)}</td>
<td>${isPlain ? "–" : whole(one.callsSaved)}</td><td>${isPlain ? "–" : whole(one.needless)}</td>
<td>${whole(one.fellBack)}</td></tr>`;
  });
  const held = optimized === 0 ? "" : meetsTarget ? ", as wanted" : ", less than wanted";
  const gain = optimized === 0 ? "–" : percent(averageGain);
  return html`<p>Optimised: <strong>${share}</strong> of ${countText(operations, "operation")}.
Average gain: <strong>${gain}</strong> (wanted: ${percent(targetImprovement)})${held}.</p>
${table(["", "Used", "Gain", "Calls saved", "Needless", "Fell back"], lines)}`;
}

function systemOf({ health }: DashboardState): Html {
  const { memoryFreeBytes, memoryBytes, diskFreeBytes, isJournalStuck } = health;
  const journal = isJournalStuck ? "stuck: run draftfs recover" : "well";
  return html`<table><tbody>
<tr><th scope="row">Memory free</th><td>${bytesText(memoryFreeBytes)} of ${bytesText(memoryBytes)}
<meter min="0" max="${memoryBytes}" value="${memoryFreeBytes}"></meter></td></tr>
<tr><th scope="row">Disk free</th>
<td>${diskFreeBytes === null ? "cannot be told" : bytesText(diskFreeBytes)}</td></tr>
<tr><th scope="row">Journal</th><td class="${isJournalStuck ? "bad" : ""}">${journal}</td></tr>
</tbody></table>`;
}

function operationsOf({ operations }: DashboardState): Html {
  if (operations.length === 0) return nothing("Nothing was measured.");
  const lines = operations.map(
    ({ name, count, failed, durationMedianMs, bytesWritten }) => html`<tr>
<th scope="row">${printable(name)}</th><td>${whole(count)}</td><td>${whole(failed)}</td>
<td>${took(durationMedianMs)}</td><td>${bytesText(bytesWritten)}</td></tr>`,
  );
  return table(["", "Count", "Failed", "Median", "Written"], lines);
}

function draftsOf({ drafts }: DashboardState): Html {
  if (drafts.length === 0) return nothing("Nothing is pending.");
  const lines = drafts.map(({ name, entries, bytes, savedMs, fault }) => {
    const what =
      fault === undefined
        ? html`<td>${countText(entries, "entry", "entries")}, ${bytesText(bytes)}</td>`
        : html`<td class="bad">${printable(fault)}</td>`;
    const saved = localTime(new Date(savedMs));
    return html`<tr><th scope="row">${name}</th>${what}<td>${saved}</td></tr>`;
  });
  return table(["Draft", "Holds", "Saved"], lines);
}

function recentOf(recent: readonly Measurement[]): Html {
  if (recent.length === 0) return nothing("Nothing was measured.");
  const lines = recent.map((one) => {
    const { outcome, memory, io, optimization, gain } = one;
    return html`<tr class="${outcome === "failed" ? "bad" : ""}">
<td>${localTime(new Date(one.startedAtMs))}</td>
<th scope="row">${printable(one.operation)}</th>
<td class="text path">${printable(one.path ?? "")}</td>
<td class="text">${outcome.replace("_", " ")}</td><td>${bytesText(one.sizeBytes)}</td>
<td>${one.durationMs === undefined ? "–" : took(one.durationMs)}</td>
<td>${memory === undefined ? "–" : bytesText(memory.peak)}</td>
<td>${io === undefined ? "–" : whole(io.reads + io.writes + io.deletes + io.moves)}</td>
<td>${io === undefined ? "–" : bytesText(io.bytesWritten)}</td>
<td>${optimization === "none" ? "–" : `${optimization}, ${percent(gain)}`}</td></tr>`;
  });
  const titles = ["Began", "Operation", "Path", "Outcome", "Size", "Took", "Memory", "Calls"];
  return table([...titles, "Written", "Optimised, gain"], lines);
}

/** Columns that are read from the left. */
const textTitles: ReadonlySet<string> = new Set(["Began", "Operation", "Path", "Outcome"]);

function table(titles: readonly string[], lines: readonly Html[]): Html {
  const heads = titles.map((title) => {
    return html`<th scope="col" class="${textTitles.has(title) ? "text" : ""}">${title}</th>`;
  });
  return html`<div class="wide"><table><thead><tr>${heads}</tr></thead>
<tbody>${lines}</tbody></table></div>`;
}

function nothing(text: string): Html {
  return html`<p class="nothing">${text}</p>`;
}

function whole(count: number): string {
  return count.toLocaleString("en-US");
}

function ofShare(count: number, share: number): string {
  return count === 0 ? "0" : `${whole(count)} (${percent(share)})`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function took(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 10 ? Math.round(ms) : Number(ms.toFixed(1))} ms`;
}
