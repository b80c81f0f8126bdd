import { isBelow } from "./mount-table.ts";
import type { NamespacePlan } from "./namespace-script.ts";
import type { SessionOptions } from "./session-options.ts";

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

/** The variables that a command gets: those of this process, less what leads out of the sandbox. */
export function commandEnvironment(
  options: SessionOptions,
  plan: NamespacePlan,
  extra: NodeJS.ProcessEnv = {},
): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...(options.env ?? process.env) };
  if ((options.sockets ?? "masked") === "masked") {
    for (const name of socketVariables) delete env[name];
  }
  const temporary = env["TMPDIR"];
  const isReachable = plan.emptied.some((path) => path === temporary) || !plan.readOnlyOutside;
  if (temporary !== undefined && !isReachable && !isBelow(temporary, plan.root)) {
    env["TMPDIR"] = "/tmp";
  }
  return { ...env, ...extra };
}
