import { createHash } from "node:crypto";
import { printable } from "../terminal.ts";
import { Html, html } from "./html.ts";

/**
 * What is shown comes from the server as a whole, so that there is nothing to do here but to put it
 * in its place. `events` is relative, and the token goes with it.
 */
const script = `
const page = document.documentElement;
const events = new EventSource("events" + location.search);
events.addEventListener("view", (event) => {
  document.getElementById("view").innerHTML = JSON.parse(event.data);
});
events.addEventListener("open", () => { page.dataset.connection = "live"; });
events.addEventListener("error", () => {
  const isOver = events.readyState === EventSource.CLOSED;
  page.dataset.connection = isOver ? "over" : "lost";
});
`;

const style = `
:root { color-scheme: light dark; --line: #d5d9de; --soft: #5c6570; --card: #fff; --back: #f3f5f7;
  --text: #1b1f24; --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --line: #343b44; --soft: #9aa4af; --card: #1a1f26;
  --back: #0f1318; --text: #e4e8ec; --good: #4ac26b; --warn: #d4a72c; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 90rem; padding: 1rem 1.25rem 2rem; background: var(--back);
  color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
h1 { margin: 0; font-size: 1.25rem; overflow-wrap: anywhere; }
h1 span { color: var(--soft); font-weight: normal; }
h2 { margin: 0 0 .5rem; font-size: .95rem; }
#connection::before { content: "connecting"; color: var(--soft); }
[data-connection="live"] #connection::before { content: "● live"; color: var(--good); }
[data-connection="lost"] #connection::before { content: "● connection lost, trying again";
  color: var(--warn); }
[data-connection="over"] #connection::before { content: "● this dashboard has ended";
  color: var(--bad); }
.changed, .nothing, small { color: var(--soft); }
.changed { margin: .1rem 0 .75rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 1rem; }
section { min-width: 0; margin-bottom: 1rem; padding: .8rem 1rem; border: 1px solid var(--line);
  border-radius: 8px; background: var(--card); }
.cards section { margin: 0; }
.cards { margin-bottom: 1rem; }
section p { margin: 0 0 .5rem; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem .2rem 0; text-align: right; white-space: nowrap; }
th { font-weight: normal; color: var(--soft); }
th:first-child, th[scope="row"], td:first-child, .text { text-align: left; }
th[scope="row"] { color: inherit; }
td.path, td.bad { min-width: 12rem; white-space: normal; overflow-wrap: anywhere; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
meter { width: 6rem; margin-left: .5rem; vertical-align: middle; }
.alerts { margin: 0 0 1rem; padding: 0; list-style: none; }
.alerts li, .notice, .good { margin: 0 0 .5rem; padding: .5rem .8rem; border: 1px solid var(--line);
  border-left: 4px solid var(--warn); border-radius: 6px; background: var(--card);
  white-space: pre-line; overflow-wrap: anywhere; }
.alerts .critical { border-left-color: var(--bad); }
.alerts .critical strong, .bad, .bad > * { color: var(--bad); }
.alerts .warning strong { color: var(--warn); }
.good { border-left-color: var(--good); }
`;

/** What the page may do: run this script, use this style, and ask the server it came from. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src '${hashOf(script)}'`,
  `style-src '${hashOf(style)}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The whole page. It needs nothing else, and shows what there is without its script too.
 *
 * @param view as `viewOf` makes it.
 */
export function pageOf(root: string, view: string): string {
  const shown = printable(root);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>draftfs – ${shown}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body>
<header><h1>draftfs <span>${shown}</span></h1><div id="connection" role="status"></div></header>
<main id="view">${new Html(view)}</main>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
