import type { Scenario } from "../harness/scenario.ts";
import { argumentForms } from "./arguments.ts";
import { copiedLinks } from "./copied-links.ts";
import { copyRemove } from "./copy-remove.ts";
import { descriptors } from "./descriptors.ts";
import { directories } from "./directories.ts";
import { errors, errorsAfterChanges } from "./errors.ts";
import { files } from "./files.ts";
import { forms } from "./forms.ts";
import { globs } from "./glob.ts";
import { handles } from "./handles.ts";
import { large } from "./large.ts";
import { links } from "./links.ts";
import { modes } from "./modes.ts";
import { oddNames } from "./odd-names.ts";
import { oddValues } from "./odd-values.ts";
import { permissions } from "./permissions.ts";
import { privileges } from "./privileges.ts";
import { renames } from "./rename.ts";
import { streams } from "./streams.ts";
import { symlinks } from "./symlinks.ts";
import { times } from "./times.ts";
import { typeChanges } from "./type-changes.ts";

/** All scenarios by concern. */
export const concerns: Readonly<Record<string, readonly Scenario[]>> = {
  files,
  directories,
  rename: renames,
  links,
  symlinks,
  modes,
  times,
  descriptors,
  handles,
  streams,
  "copy and remove": copyRemove,
  "type changes": typeChanges,
  "odd names": oddNames,
  "odd values": oddValues,
  large,
  "calls on targets": errors,
  "calls on changed targets": errorsAfterChanges,
  permissions,
  privileges,
  "copied links": copiedLinks,
  forms,
  arguments: argumentForms,
  glob: globs,
};
