import type { Line, Span } from "./terminal-text.ts";

const columnWidth = 8.43;
const lineHeight = 19;
const padding = 18;
const barHeight = 36;

const colours: Readonly<Record<string, string>> = {
  red: "#ff7b72",
  green: "#7ee787",
  yellow: "#e3b341",
  cyan: "#76e3ea",
  dim: "#8b949e",
};

/** Draws lines of a terminal as a picture. */
export function terminalSvg(title: string, lines: readonly Line[]): string {
  const columns = Math.max(60, ...lines.map(widthOf));
  const width = Math.ceil(columns * columnWidth + 2 * padding);
  const height = barHeight + lines.length * lineHeight + padding;
  const dots = ["#ff5f57", "#febc2e", "#28c840"]
    .map((colour, index) => `<circle cx="${20 + index * 20}" cy="18" r="6" fill="${colour}"/>`)
    .join("");
  const rows = lines.map((line, index) => rowOf(line, barHeight + (index + 1) * lineHeight - 5));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>`,
    dots,
    '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14" fill="#e6edf3" xml:space="preserve">',
    ...rows,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

function rowOf(line: Line, y: number): string {
  let column = 0;
  const spans = line.map((span) => {
    const x = (padding + column * columnWidth).toFixed(1);
    column += [...span.text].length;
    const length = ([...span.text].length * columnWidth).toFixed(1);
    return `<tspan x="${x}" textLength="${length}"${attributesOf(span)}>${escaped(span.text)}</tspan>`;
  });
  return `<text y="${y}">${spans.join("")}</text>`;
}

function attributesOf({ styles }: Span): string {
  const colour = styles.map((style) => colours[style]).findLast((value) => value !== undefined);
  const weight = styles.includes("bold") ? ' font-weight="700"' : "";
  return `${colour === undefined ? "" : ` fill="${colour}"`}${weight}`;
}

function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + [...text].length, 0);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
