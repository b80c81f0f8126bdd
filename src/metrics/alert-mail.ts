import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname, userInfo } from "node:os";
import process from "node:process";
import { reasonOf } from "../errors.ts";
import type { Alert } from "./alerts.ts";

/** Whom cron mails, too, where somebody has said so. */
const recipientVariable = "MAILTO";
/** It has only to be queued. */
const timeoutMs = 10_000;

/**
 * Hands an alert to the machine's `sendmail`, for the address in `MAILTO` or, without one, for the
 * user who runs this.
 *
 * @param root what the alert is about.
 * @returns why it could not be handed over; `undefined` when it was.
 */
export async function mailAlert(alert: Alert, root: string): Promise<Error | undefined> {
  try {
    const recipient = recipientOf(process.env);
    const child = spawn("sendmail", ["-i", "-t"], {
      stdio: ["pipe", "ignore", "ignore"],
      timeout: timeoutMs,
    });
    const ended = once(child, "close") as Promise<[number | null, string | null]>;
    // A sendmail that ends early says so by its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(messageOf(alert, recipient, root));
    const [code, signal] = await ended;
    return code === 0 ? undefined : mailError(`it ended with ${code ?? signal}`);
  } catch (error) {
    return mailError(reasonOf(error));
  }
}

function recipientOf(environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment[recipientVariable] ?? "";
  // What follows a line break would be another header.
  if (/[\r\n]/.test(named)) throw new Error(`$${recipientVariable} holds a line break`);
  return named === "" ? userInfo().username : named;
}

function messageOf({ id, severity, message }: Alert, recipient: string, root: string): string {
  const lines = [
    `To: ${recipient}`,
    `Subject: draftfs ${severity}: ${id} on ${hostname()}`,
    "Auto-Submitted: auto-generated",
    "Content-Type: text/plain; charset=utf-8",
    "",
    message,
    "",
    `Root: ${JSON.stringify(root)}`,
  ];
  return `${lines.join("\n")}\n`;
}

function mailError(reason: string): Error {
  return new Error(
    `An alert could not be mailed by sendmail: ${reason}. Install one, or set ` +
      "alerts.notifications.email to false.",
  );
}
