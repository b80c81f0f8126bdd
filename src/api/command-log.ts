import type { Change, ChangeSet } from "../commit/change-set/change-set.ts";
import type { ManifestCommand } from "../commit/checkpoint/manifest.ts";
import type { TreePath } from "../disk/tree-path.ts";
import type { DraftCommand } from "../drafts/draft-command.ts";
import type { CommandRecord } from "../sandbox/session.ts";

/** The part of a change set that one command made. */
export interface CommandChanges {
  /** `undefined`: not made by a command, but through `overlay.fs`. */
  readonly command: DraftCommand | undefined;
  readonly changeSet: ChangeSet;
}

/** Which commands have run over an overlay, and what they changed. */
export class CommandLog {
  #commands: readonly DraftCommand[];

  constructor(commands: readonly DraftCommand[] = []) {
    this.#commands = commands;
  }

  /** The commands, oldest first. */
  get commands(): readonly DraftCommand[] {
    return this.#commands;
  }

  /** Takes note of a command that has ended. */
  add(record: CommandRecord): void {
    const { command, args, startedMs, elapsedMs, exitCode, changes } = record;
    const id = (this.#commands.at(-1)?.id ?? 0) + 1;
    const paths = changes.map(({ path }) => path);
    const words = [command, ...args];
    this.#commands = [...this.#commands, { id, words, startedMs, elapsedMs, exitCode, paths }];
  }

  /** Goes back to what {@link CommandLog.commands} was before. */
  rewind(commands: readonly DraftCommand[]): void {
    this.#commands = commands;
  }

  /** The commands of which something is pending, with the paths of which that is so. */
  pendingAt(isPending: (path: TreePath) => boolean): DraftCommand[] {
    return this.#commands
      .map((command) => ({ ...command, paths: command.paths.filter(isPending) }))
      .filter(({ paths }) => paths.length > 0);
  }

  /** The commands that made a change set, each with the paths that it was the last to touch. */
  sharesOf(changeSet: ChangeSet): ManifestCommand[] {
    if (this.#commands.length === 0) return [];
    return this.group(changeSet).flatMap(({ command, changeSet: { changes } }) => {
      if (command === undefined) return [];
      const { words, startedMs, elapsedMs, exitCode } = command;
      return [{ words, startedMs, elapsedMs, exitCode, paths: changes.map(({ path }) => path) }];
    });
  }

  /** A change set by the command that touched each path last, in the order of the commands. */
  group(changeSet: ChangeSet): CommandChanges[] {
    const lastOf = new Map<TreePath, DraftCommand>();
    for (const command of this.#commands) {
      for (const path of command.paths) lastOf.set(path, command);
    }
    const commandOf = (change: Change): DraftCommand | undefined => {
      const own = lastOf.get(change.path);
      const from = change.kind === "rename" ? lastOf.get(change.from) : undefined;
      return (own?.id ?? 0) >= (from?.id ?? 0) ? own : from;
    };
    const groups = new Map<DraftCommand | undefined, Change[]>();
    for (const command of [undefined, ...this.#commands]) groups.set(command, []);
    for (const change of changeSet.changes) groups.get(commandOf(change))?.push(change);
    return [...groups]
      .filter(([, changes]) => changes.length > 0)
      .map(([command, changes]) => ({ command, changeSet: { ...changeSet, changes } }));
  }
}
