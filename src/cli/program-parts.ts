import { type Command, InvalidArgumentError, Option } from "commander";
import type { Execute } from "./command-context.ts";

/** Adds a command; the options that every command has come last. */
export type Add = (usage: string, description: string) => Command;

/** What executes a command: loads its module, and names its positional arguments. */
export type Executing = <Options>(
  load: () => Promise<{ execute: Execute<Options> }>,
  positional?: readonly string[],
) => (...received: unknown[]) => Promise<void>;

/** How much a commit looks at what it writes; see `docs/configuration.md`. */
export function checksOption(): Option {
  return new Option("--checks <level>", "what a commit checks of new content").choices([
    "strict",
    "normal",
    "minimal",
  ]);
}

/** @throws {InvalidArgumentError} shown as a usage error. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Give a whole number from 1.");
}

/** @throws {InvalidArgumentError} shown as a usage error. */
export function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Give a port from 1 to 65535, or 0 for any that is free.");
}

const unitBytes = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** @throws {InvalidArgumentError} shown as a usage error. */
export function size(text: string): number {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,8})([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const factor = unitBytes[unit.toUpperCase() as keyof typeof unitBytes];
  if (digits !== "") return Number(digits) * factor;
  throw new InvalidArgumentError("Give a size such as 500M or 2G (1 K is 1024 bytes).");
}
