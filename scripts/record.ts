import fs from "node:fs";
import os from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TerminalSession } from "./recording/terminal-session.ts";
import { terminalSvg } from "./recording/terminal-svg.ts";
import { type Line, linesOf } from "./recording/terminal-text.ts";

/*
 * Records docs/media/terminal.svg: draftfs, a formatter and a small project, for real, on a real
 * terminal.
 */

const repository = repositoryDirectory();
const scratch = fs.mkdtempSync(join(os.tmpdir(), "draftfs-record-"));
const columns = 92;

const files: Readonly<Record<string, string>> = {
  "src/greeting.js": "export function greeting(name){\nreturn 'Hello, '+name\n}\n",
  "src/main.js": "import {greeting} from './greeting.js'\nconsole.log(greeting('world'))\n",
  "src/notes.txt": "remember the milk\n",
};

/** What is typed at the prompt, and what is answered to a question. */
const steps: readonly { readonly line: string; readonly answers?: readonly [string, string][] }[] =
  [
    {
      line: "draftfs run -m format -- sh -c 'biome format --write src && rm src/notes.txt'",
      answers: [
        ["discard? ", "diff\n"],
        ["discard? ", "commit\n"],
      ],
    },
    { line: "draftfs log" },
    { line: "draftfs undo" },
    { line: "cat src/notes.txt" },
  ];

try {
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(scratch, path)), { recursive: true });
    fs.writeFileSync(join(scratch, path), text);
  }
  const lines: Line[] = [];
  for (const step of steps) lines.push(...(await record(step)), []);
  const target = join(repository, "docs", "media", "terminal.svg");
  fs.writeFileSync(target, terminalSvg("A recording of draftfs at work", lines.slice(0, -1)));
  process.stdout.write(`wrote ${target}\n`);
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}

async function record(step: (typeof steps)[number]): Promise<Line[]> {
  const session = new TerminalSession(shellQuoted(step.line), {
    cwd: scratch,
    env: env(),
    columns,
  });
  for (const [question, answer] of step.answers ?? []) {
    await session.shows(question);
    session.type(answer);
  }
  const code = await session.end();
  if (code !== 0) throw new Error(`${step.line} ended with ${code}:\n${session.output}`);
  const prompt: Line = [
    { text: "$ ", styles: ["green"] },
    { text: step.line, styles: ["bold"] },
  ];
  return [prompt, ...linesOf(session.output.trimEnd())];
}

/** The line as it is, `draftfs` being the command line of this checkout. */
function shellQuoted(line: string): string {
  const program = `${process.execPath} ${join(repository, "dist", "main.js")}`;
  return line.replace(/^draftfs /, `${program} `);
}

function env(): NodeJS.ProcessEnv {
  const { NO_COLOR, FORCE_COLOR, ...rest } = process.env;
  const path = [join(repository, "node_modules", ".bin"), rest["PATH"] ?? ""].join(delimiter);
  return { ...rest, PATH: path };
}

function repositoryDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!fs.existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return directory;
}
