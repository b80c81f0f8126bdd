import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { reasonOf } from "../../errors.ts";
import { isLoopback, isOwnHost, isToken, newToken } from "./access.ts";
import type { DashboardState } from "./dashboard-state.ts";
import { EventStreams } from "./event-streams.ts";
import { contentSecurityPolicy, pageOf } from "./page.ts";
import type { ProjectWatch } from "./project-watch.ts";
import { viewOf } from "./view.ts";

/** A dashboard that is being served. */
export interface Dashboard extends AsyncDisposable {
  /** Its address, with the token. */
  readonly url: string;
  readonly port: number;
  /** Whether others than this machine can reach it. */
  readonly isExposed: boolean;
}

/** Where to serve. */
export interface ServeOptions {
  /** An address of this machine, or a name of one. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/**
 * Serves what a watch sees:
 *
 *     /        the page
 *     /state   the state, as JSON
 *     /events  server-sent events: `state` as above, and `view`, what the page shows of it
 *
 * All of it only to who knows the token (`?token=…`) and asks this machine by its name.
 *
 * @throws {Error} with a `code`, when the port is taken or the address is not ours.
 */
export async function serveDashboard(
  watch: ProjectWatch,
  { host, port }: ServeOptions,
): Promise<Dashboard> {
  const token = newToken();
  const streams = new EventStreams();
  const service = new Service(watch, streams, host, token);
  const server = createServer((request, response) => void service.answer(request, response));
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    streams[Symbol.dispose]();
    throw listenError(error as NodeJS.ErrnoException, host, port);
  }
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${nameOf(host)}:${bound.port}/?token=${token}`,
    port: bound.port,
    isExposed: !isLoopback(bound.address),
    async [Symbol.asyncDispose]() {
      streams[Symbol.dispose]();
      await closeServer(server);
    },
  };
}

class Service {
  readonly #watch: ProjectWatch;
  readonly #streams: EventStreams;
  readonly #host: string;
  readonly #token: string;
  #endListening: (() => void) | undefined;

  constructor(watch: ProjectWatch, streams: EventStreams, host: string, token: string) {
    this.#watch = watch;
    this.#streams = streams;
    this.#host = host;
    this.#token = token;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      const message = reasonOf(error);
      if (!response.headersSent) refuse(response, 500, message);
      else response.destroy();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "", headers } = request;
    if (!isOwnHost(headers.host, this.#host)) {
      return refuse(response, 403, "This address is not one of this machine.");
    }
    const base = "http://localhost";
    if (!URL.canParse(url, base)) return refuse(response, 400, "This is no address.");
    const address = new URL(url, base);
    if (!isToken(address.searchParams.get("token"), this.#token)) {
      return refuse(response, 403, "Use the whole address that draftfs dashboard has printed.");
    }
    if (method !== "GET") return refuse(response, 405, "There is nothing but GET.");
    switch (address.pathname) {
      case "/": {
        const state = await this.#watch.look();
        response.setHeader("Content-Security-Policy", contentSecurityPolicy);
        return send(response, 200, "text/html", pageOf(state.root, viewOf(state)));
      }
      case "/state":
        return send(response, 200, "application/json", JSON.stringify(await this.#watch.look()));
      case "/events":
        return this.#stream(response, await this.#watch.look());
      default:
        return refuse(response, 404, "There is no such page.");
    }
  }

  #stream(response: ServerResponse, state: DashboardState): void {
    // Whoever has gone meanwhile does not close a second time.
    if (response.destroyed) return;
    protect(response, "text/event-stream");
    const isAdded = this.#streams.add(response, eventsOf(state), () => {
      if (this.#streams.count > 0) return;
      this.#endListening?.();
      this.#endListening = undefined;
    });
    if (!isAdded) {
      refuse(response, 503, "Too many look at this dashboard.");
      return;
    }
    this.#endListening ??= this.#watch.listen((next) => this.#streams.send(eventsOf(next)));
  }
}

function eventsOf(state: DashboardState): string {
  const view = JSON.stringify(viewOf(state));
  return `event: state\ndata: ${JSON.stringify(state)}\n\nevent: view\ndata: ${view}\n\n`;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  send(response, status, "text/plain", `${message}\n`);
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  protect(response, `${type}; charset=utf-8`);
  if (status === 405) response.setHeader("Allow", "GET");
  response.statusCode = status;
  response.end(text);
}

/** Pages of others may neither read, embed nor keep what they get. */
function protect(response: ServerResponse, type: string): void {
  response.setHeader("Content-Type", type);
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** As it stands in an address; one that stands for all is reached by loopback too. */
function nameOf(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is taken. Name another one, or 0 for any that is free: --port 0.",
  EACCES: "ports below 1024 are for the superuser. Name another one: --port 0.",
  EADDRNOTAVAIL: "this machine has no such address. Leave --host out for 127.0.0.1.",
  ENOTFOUND: "there is no such host. Leave --host out for 127.0.0.1.",
};

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const { code = "", message } = cause;
  const text = `Cannot serve the dashboard at ${host}, port ${port}: ${reasons[code] ?? message}`;
  return Object.assign(new Error(text, { cause }), { code });
}
