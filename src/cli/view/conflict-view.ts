import { printable, type Terminal } from "../terminal.ts";
import { localTime } from "./local-time.ts";
import { bytesText } from "./quantities.ts";

type Side = Readonly<Record<string, unknown>> | null | undefined;

/** The conflicts of an error's details with both sides, and what to do about them. */
export function conflictLines(
  details: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): string {
  const conflicts = details["conflicts"];
  if (!Array.isArray(conflicts)) return "";
  const lines = (conflicts as Readonly<Record<string, unknown>>[]).flatMap((conflict) => {
    const { path, reason, base, ours, theirs } = conflict as Readonly<Record<string, Side>>;
    const title = terminal.paint("red", printable(String(path)));
    // Undo, redo and restore know a state that they expect, and not what they find instead.
    if (!("theirs" in conflict)) return [`  ${title}  ${reason}`];
    const sides = [`  ${title}`, `    based on      ${sideText(base)}`];
    sides.push(`    on disk       ${sideText(theirs)}`);
    if ("ours" in conflict) sides.push(`    in the draft  ${sideText(ours)}`);
    return sides;
  });
  return `${lines.join("\n")}\n`;
}

function sideText(side: Side): string {
  if (side === null || side === undefined) return "nothing";
  const { kind, size, mtimeNs, target, oid } = side;
  const parts = [String(kind)];
  if (typeof size === "number") parts.push(bytesText(size));
  if (typeof target === "string" && target !== "") parts.push(`to ${printable(target)}`);
  if (typeof oid === "string" && oid !== "") parts.push(`blob ${oid.slice(0, 7)}`);
  // A base that nothing is equal to: it has changed since the draft was made of it.
  if (mtimeNs === "0") return "what was there before";
  if (typeof mtimeNs === "string") parts.push(`of ${timeText(mtimeNs)}`);
  return parts.join(", ");
}

function timeText(mtimeNs: string): string {
  const date = new Date(Number(BigInt(mtimeNs) / 1_000_000n));
  return Number.isNaN(date.getTime()) ? mtimeNs : localTime(date);
}
