#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";

const exitCode = await runCommandLine(process.argv.slice(2));
// Output that could not be written sets it, before this or after.
process.exitCode ??= exitCode;
