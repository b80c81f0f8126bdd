import { isBelow } from "../../disk/mount-table.ts";
import type { NamespacePlan } from "../namespace/namespace-script.ts";
import type { SessionOptions } from "../session-options.ts";

/** Variables that lead to sockets of the host: agents, buses, displays, container engines. */
const socketVariables = [
  "SSH_AUTH_SOCK",
  "GPG_AGENT_INFO",
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
  "WAYLAND_DISPLAY",
  "DOCKER_HOST",
  "CONTAINER_HOST",
  "TMUX",
  "VSCODE_IPC_HOOK_CLI",
  "VSCODE_GIT_IPC_HANDLE",
];

/**
 * Names that say that their value lets somebody in. No list is complete, and a longer one breaks
 * ordinary commands: addresses of databases, for instance, stay.
 */
const secretEnds = [
  "TOKEN SECRET PASSWORD PASSWD PASSPHRASE CREDENTIAL CREDENTIALS",
  "API_KEY APIKEY ACCESS_KEY ACCESS_KEY_ID PRIVATE_KEY SECRET_KEY",
].flatMap((line) => line.split(" "));

const secretName = new RegExp(`(^|_)(${secretEnds.join("|")})$`, "i");

/**
 * The variables of this process that every command gets: less secrets, and less what leads to
 * sockets of the host. Variables that the caller names himself pass as they are.
 */
export function filteredEnvironment(options: SessionOptions): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...(options.env ?? process.env) };
  if (options.env === undefined) {
    for (const name of Object.keys(env)) if (secretName.test(name)) delete env[name];
  }
  if ((options.sockets ?? "masked") === "masked") {
    for (const name of socketVariables) delete env[name];
  }
  return env;
}

/** The variables that a command gets in a namespace, given those that it asks for. */
export function commandEnvironment(
  options: SessionOptions,
  plan: NamespacePlan,
  extra: NodeJS.ProcessEnv = {},
): NodeJS.ProcessEnv {
  const env = filteredEnvironment(options);
  const temporary = env["TMPDIR"];
  const isReachable = plan.emptied.some((path) => path === temporary) || !plan.readOnlyOutside;
  if (temporary !== undefined && !isReachable && !isBelow(temporary, plan.root)) {
    env["TMPDIR"] = "/tmp";
  }
  return { ...env, ...extra };
}
