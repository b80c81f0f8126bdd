import { delimiter, join, posix } from "node:path";
import { NodeDisk } from "../disk/node/node-disk.ts";
import { isWithin } from "../disk/tree-path.ts";

/** Directories that a command has of its own, and empty, unless told otherwise. */
const privatePlaces = ["/tmp", "/var/tmp", "/dev/shm"];

/**
 * The words of a command that name something in a temporary directory which the command, whose
 * temporary directories are its own, cannot see.
 */
export function hiddenArguments(command: readonly string[], root: string): string[] {
  const disk = new NodeDisk();
  const paths = command.map((word) => posix.normalize(word.replace(/^-[^=]*=/, "")));
  return paths.filter(
    (path) =>
      privatePlaces.some((place) => path !== place && isWithin(path, place)) &&
      !isWithin(path, root) &&
      disk.lstat(path) !== undefined,
  );
}

/** Where the search path leads that a command cannot see: to its program, else to others. */
export function hiddenPrograms(program: string, path: string, root: string): string[] {
  const directories = path.split(delimiter).filter((directory) => directory !== "");
  const programs = program.includes("/") ? [] : directories.map((each) => join(each, program));
  const found = hiddenArguments(programs, root);
  return found.length > 0 ? found : hiddenArguments(directories, root);
}
