import type { Workspace } from "../workspace.ts";
import { type CommandEnd, RunningCommand } from "./command.ts";

/** A command as it was started. */
export interface StartedCommand {
  readonly program: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
}

const notExecutable = 126;
const notFound = 127;

/** As execvp(3) goes through the directories, an empty one and an empty PATH included. */
const lookForFile = `
path=\${PATH-/bin:/usr/bin}:
IFS=:
set -f
for directory in $path; do
  [ -f "\${directory:-.}/$1" ] && exit 0
done
exit 1`;

/**
 * How a command ended, in the words of a shell also where no file of its name was found.
 *
 * The launchers look for it with execvp(3), which says EACCES, 126 to them, when a directory of
 * PATH cannot be entered, or has a directory of that name, whatever the others have. To a shell
 * that is denied only which is there. The look has to be the command's own: others see other files.
 */
export async function endInWordsOfShell(
  workspace: Workspace,
  { program, cwd, env, signal }: StartedCommand,
  end: CommandEnd,
): Promise<CommandEnd> {
  if (end.exitCode !== notExecutable || program.includes("/")) return end;
  const line = workspace.lineOf(["/bin/sh", "-c", lookForFile, "draftfs", program], cwd);
  const options = { stdio: "ignore", env, ...(signal === undefined ? {} : { signal }) } as const;
  const look = await new RunningCommand(line, options).ended;
  return look.exitCode === 1 ? { ...end, exitCode: notFound } : end;
}
