import { realFileSystem } from "../disk/lower/lower-classes.ts";
import { type CurrentOverlay, currentOverlay, pathInside } from "./current-overlay.ts";

type Callable = (...input: unknown[]) => unknown;
type Functions = Readonly<Record<PropertyKey, unknown>>;

/** Calls with two paths of the tree; the one with a link's text and one path is `symlink`. */
const twoPaths = /^(rename|link|copyFile|cp)(Sync)?$/;

/** The module `node:fs`, with its default export. */
export type FsModule = typeof realFileSystem & { readonly default: typeof realFileSystem };

/** The module `node:fs/promises`, with its default export. */
export type FsPromisesModule = (typeof realFileSystem)["promises"] & {
  readonly default: (typeof realFileSystem)["promises"];
};

/** `node:fs` over the overlay of the running test, and over the disk for everything else. */
export function fsModule(): FsModule {
  const functions = switching(realFileSystem, (current) => current.fs as unknown as Functions);
  const promises = fsPromisesModule().default;
  const module = { ...functions, promises } as unknown as typeof realFileSystem;
  return { ...module, default: module };
}

/** `node:fs/promises` in the same way. */
export function fsPromisesModule(): FsPromisesModule {
  const module = switching(
    realFileSystem.promises,
    (current) => current.fs.promises as unknown as Functions,
  ) as unknown as (typeof realFileSystem)["promises"];
  return { ...module, default: module };
}

/**
 * The functions of `real`, each of which chooses at every call; classes and constants as they are.
 */
function switching(
  real: object,
  overlayOf: (current: CurrentOverlay) => Functions,
): Record<string, unknown> {
  const module: Record<string, unknown> = {};
  for (const name of Object.keys(real)) {
    const value = Reflect.get(real, name) as unknown;
    const isCall = typeof value === "function" && /^[a-z]/.test(name);
    module[name] = isCall ? switchingCall(name, value as Callable, overlayOf) : value;
  }
  return module;
}

function switchingCall(
  name: string,
  real: Callable,
  overlayOf: (current: CurrentOverlay) => Functions,
): Callable {
  const within =
    (of: (call: Callable) => unknown, fallback: Callable): Callable =>
    (...input) => {
      const current = currentOverlay();
      const routed = current && route(name, current.root, input);
      if (!current || !routed) return fallback(...input);
      const call = of(overlayOf(current)[name] as Callable);
      return (call as Callable)(...routed);
    };
  const call = within((overlay) => overlay, real);
  // `realpath.native`, and the forms that `util.promisify` uses.
  for (const extra of Reflect.ownKeys(real)) {
    const value = Reflect.get(real, extra) as unknown;
    // What `util.promisify` calls the results of those that have several.
    if (typeof extra === "symbol" && typeof value === "object") {
      Object.defineProperty(call, extra, { value, configurable: true });
    }
    if (extra === "prototype" || typeof value !== "function") continue;
    const variant = within((overlay) => Reflect.get(overlay, extra) ?? overlay, value as Callable);
    Object.defineProperty(call, extra, { value: variant, configurable: true });
  }
  return call;
}

/** The arguments for the overlay, or `undefined` when the call is the disk's. */
function route(name: string, root: string, input: readonly unknown[]): unknown[] | undefined {
  const [first, second, ...rest] = input;
  // Descriptors of the disk are known to the overlay, and handed on by it.
  if (typeof first === "number") return [...input];
  if (/^glob/.test(name)) {
    const directory = (second as { readonly cwd?: unknown } | undefined)?.cwd ?? process.cwd();
    return pathInside(root, directory) === undefined ? undefined : [...input];
  }
  if (/^symlink/.test(name)) {
    const place = pathInside(root, second);
    return place === undefined ? undefined : [first, place, ...rest];
  }
  const path = pathInside(root, first);
  if (!twoPaths.test(name)) return path === undefined ? undefined : [path, ...input.slice(1)];
  const target = pathInside(root, second);
  if (path === undefined && target === undefined) return undefined;
  return [path ?? first, target ?? second, ...rest];
}
