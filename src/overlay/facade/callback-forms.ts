import {
  checkArguments,
  optionsRefusal,
  realFileSystem as real,
} from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import type { Core } from "../core.ts";
import { errorOfCall } from "../file-system-error.ts";
import { optionsOf, type PathArgument, pathOf, statOptionsOf } from "./arguments.ts";
import {
  type Call,
  type Callback,
  callbackOf,
  requireCallback,
  takeCallback,
  tellNext,
} from "./asynchronous.ts";
import type { Calls } from "./calls.ts";
import { copyTree } from "./copy-tree.ts";
import { closedDescriptor, lengthOf } from "./descriptor-calls.ts";
import { describePromisified } from "./promisified.ts";
import { isPlainForStat } from "./stat-options.ts";
import { laterReadTransfer, type Transfer, vectorTransfer } from "./transfer-calls.ts";
import { checkCopyOptions } from "./tree-calls.ts";
import { readLater } from "./whole-file-calls.ts";

/** The callback forms: those made of the table, and the few with a shape of their own. */
export function callbackForms(core: Core, calls: Calls): Record<string, unknown> {
  const forms: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(calls))
    forms[name] = callbackOf(call as Call, { arity: arityOf(name), refuse: refusalOf(name) });
  forms["rm"] = callbackOf(calls.rmAsync as Call, { arity: arityOf("rm") });
  forms["rmdir"] = callbackOf(calls.rmdirAsync as Call, {
    arity: arityOf("rmdir"),
    refuse: refusalOf("rmdir"),
  });
  forms["mkdir"] = callbackOf(calls.mkdirLater as Call, {
    arity: arityOf("mkdir"),
    refuse: refusalOf("mkdir"),
  });
  forms["mkdtemp"] = callbackOf(calls.mkdtempLater as Call, {
    arity: arityOf("mkdtemp"),
    refuse: refusalOf("mkdtemp"),
  });
  delete forms["mkdtempLater"];
  delete forms["rmAsync"];
  delete forms["rmdirAsync"];
  delete forms["mkdirLater"];
  delete forms["readdirLater"];
  delete forms["rmdirLater"];
  delete forms["nativeRealpath"];
  forms["truncate"] = callbackOf(
    (path: PathArgument, length?: unknown) => {
      // The other forms open the file first.
      calls.truncate(path, typeof path === "number" ? length : lengthOf(length));
    },
    { arity: arityOf("truncate"), refuse: refusalOf("truncate") },
  );
  Object.assign(forms["realpath"] as object, { native: callbackOf(calls.nativeRealpath as Call) });
  Object.assign(forms, {
    exists: existsForm(calls),
    read: readForm(core, calls),
    readv: vectorForm(core, calls, "readv"),
    write: writeForm(core, calls),
    writev: vectorForm(core, calls, "writev"),
    close: closeForm(core, calls),
    cp: copyForm(core),
    readFile: abortable("readFile", (path: PathArgument, options?: unknown) =>
      readLater(calls, path, options),
    ),
    writeFile: abortable("writeFile", calls.writeFile as Call),
    appendFile: abortable("appendFile", calls.appendFile as Call),
  });
  const stat = nodeHabits.statLaterKnowsNoEntry ? calls.stat : throwing(calls.stat);
  forms["stat"] = statForm("stat", stat as Call);
  forms["lstat"] = statForm("lstat", throwing(calls.lstat));
  forms["fstat"] = statForm("fstat", calls.fstat as Call);
  describePromisified(forms);
  return forms;
}

/** The call without `throwIfNoEntry`, which is an option of the synchronous form. */
export function throwing(call: Calls["stat"]): Call {
  return (path: PathArgument, options?: unknown) =>
    call(path, options === undefined ? options : { bigint: statOptionsOf(options).bigint });
}

/** Node is asked about odd options first: what its releases make of them differs. */
function statForm(name: "stat" | "lstat" | "fstat", call: Call) {
  const usual = callbackOf(call, { arity: 3, refuse: refusalOf(name) });
  const original = real[name] as (...values: unknown[]) => void;
  return (...values: unknown[]): void => {
    const [target, options, callback] = values;
    if (typeof callback !== "function" || isPlainForStat(options)) {
      usual(...values);
      return;
    }
    const refusal = optionsRefusal((at, told) => {
      original(...harmlessArguments(name, [target, options], at), told);
    });
    const tell = (...results: [error: unknown, ...unknown[]]): void => {
      void refusal.then((error) => {
        if (error === undefined) tellNext(callback as Callback, ...results);
        else tellNext(callback as Callback, error);
      });
    };
    // The look is taken at once, before anything that is called next.
    try {
      usual(target, typeof options === "object" ? (options ?? {}) : {}, tell);
    } catch (error) {
      // Node has not thrown it: it tells of an abort, and has not looked at the descriptor.
      tell(error);
    }
  };
}

/**
 * Arguments of Node's own function with its callback; those with defaults are not counted there.
 */
function arityOf(name: string): number {
  if (["stat", "lstat", "fstat", "statfs", "ftruncate"].includes(name)) return 3;
  const original = (real as unknown as Record<string, { length: number } | undefined>)[name];
  return original?.length ?? 0;
}

/**
 * Lets Node say what is wrong with a call that has no callback: which arguments it looks at before
 * that differs from function to function. Paths and descriptors are replaced by some that lead
 * nowhere. `rm` is left out, which Node would carry out.
 */
function refusalOf(name: string): ((values: readonly unknown[]) => void) | undefined {
  const call = (real as unknown as Record<string, ((...all: unknown[]) => void) | undefined>)[name];
  if (call === undefined || name === "rm") return undefined;
  return (values) => {
    checkArguments((nowhere) => call(...harmlessArguments(name, values, nowhere)));
  };
}

/** The arguments of a call with paths and descriptors that lead nowhere, unless they are wrong. */
export function harmlessArguments(
  name: string,
  values: readonly unknown[],
  nowhere: string,
): unknown[] {
  const paths = /^(rename|link|symlink|copyFile)$/.test(name) ? 2 : 1;
  const isOnDescriptor = /^(f.*|readv?|writev?)$/.test(name);
  return values.map((value, at) =>
    at < paths ? harmless(value, isOnDescriptor ? closedDescriptor : nowhere) : value,
  );
}

/** The same for the calls that move bytes. */
function refuse(name: string, descriptor: number, values: readonly unknown[]): void {
  refusalOf(name)?.([descriptor, ...values]);
}

function harmless(value: unknown, nowhere: string | number): unknown {
  if (typeof nowhere === "number") {
    return typeof value === "number" && (value | 0) === value && value >= 0 ? nowhere : value;
  }
  try {
    pathOf(value);
    return nowhere;
  } catch {
    return value;
  }
}

function existsForm(calls: Calls) {
  return (path: PathArgument, callback: (found: boolean) => void): void => {
    requireCallback(callback);
    let found = true;
    try {
      calls.access(path);
    } catch {
      found = false;
    }
    setImmediate(() => callback(found));
  };
}

/**
 * `(fd, cb)`, `(fd, options, cb)`, `(fd, buffer, cb)`, `(fd, buffer, options, cb)`, `(fd, buffer,
 * offset, length, position, cb)`.
 */
function readForm(core: Core, calls: Calls) {
  return (descriptor: number, ...values: unknown[]): void => {
    if (values.length > 5) values.length = 5;
    const callback = takeCallback(values, 0, (given) => refuse("read", descriptor, given));
    const transfer = readTransferOf(descriptor, values);
    const { buffer, view, position } = transfer;
    const tell = (error: unknown, count: number): void => callback(error, count, buffer);
    if (!core.descriptors.isOwn(descriptor)) {
      real.read(descriptor, view, 0, view.length, position ?? null, tell);
      return;
    }
    if (readLower(core, descriptor, transfer, tell)) return;
    const read = callbackOf(calls.read as Call, {}, (count) => [count, buffer]);
    read(descriptor, view, 0, view.length, position ?? null, callback);
  };
}

/** What `read` is asked for; a wrong descriptor is told before anything else. @throws as Node. */
function readTransferOf(descriptor: number, values: readonly unknown[]) {
  try {
    return laterReadTransfer(values);
  } catch (error) {
    refuse("read", descriptor, [...values, () => {}]);
    throw error;
  }
}

/** Lets Node's threads read a file that is still the disk's. */
function readLower(
  core: Core,
  descriptor: number,
  { view, position }: Transfer,
  callback: (error: unknown, count: number) => void,
): boolean {
  const file = core.descriptors.find(descriptor);
  const lowerDescriptor = file?.lowerDescriptor;
  const isPossible = core.lower.native && file?.isReadable === true && view.length > 0;
  if (file === undefined || lowerDescriptor === undefined || !isPossible) return false;
  const at = position ?? file.position;
  const unpin = file.pin();
  // Taken at once, so that the next read goes on where this one will end.
  if (position === undefined) file.position = at + view.length;
  real.read(lowerDescriptor, view, 0, view.length, at, (error, count) => {
    unpin();
    const isLast = position === undefined && file.position === at + view.length;
    if (isLast) file.position = at + (error === null ? count : 0);
    callback(error === null ? null : errorOfCall(error, { syscall: "read" }), count);
  });
  return true;
}

function writeForm(core: Core, calls: Calls) {
  return (descriptor: number, ...values: unknown[]): void => {
    if (!core.descriptors.isOwn(descriptor)) {
      (real.write as (...all: unknown[]) => void)(descriptor, ...values);
      return;
    }
    const [data] = values;
    // Text has no offset: the callback comes earlier, and what follows it is not looked at.
    const arity = typeof data === "string" ? 4 : 5;
    if (values.length > arity) values.length = arity;
    const callback = takeCallback(values, 0, (given) => refuse("write", descriptor, given));
    const write = callbackOf(calls.write as Call, {}, (count) => [count, data]);
    write(descriptor, ...values, callback);
  };
}

function vectorForm(core: Core, calls: Calls, name: "readv" | "writev") {
  return (descriptor: number, ...values: unknown[]): void => {
    if (values.length > 2) values.length = typeof values[1] === "function" ? 2 : 3;
    const callback = takeCallback(values, 0, (given) => refuse(name, descriptor, given));
    const [buffers, position] = values;
    try {
      vectorTransfer(name, descriptor, buffers, position);
    } catch (error) {
      refuse(name, descriptor, [buffers, position, () => {}]);
      throw error;
    }
    if (!core.descriptors.isOwn(descriptor)) {
      (real[name] as (...all: unknown[]) => void)(descriptor, buffers, position ?? null, callback);
      return;
    }
    const move = callbackOf(calls[name] as Call, {}, (count) => [count, buffers]);
    move(descriptor, buffers, position, callback);
  };
}

/** Unlike all others, `close` may be called without a callback; a failure is thrown then. */
function closeForm(core: Core, calls: Calls) {
  const throwIfFailed = (error: unknown): void => {
    if (error !== null) throw error;
  };
  return (descriptor: number, callback: Callback = throwIfFailed): void => {
    if (!core.descriptors.isOwn(descriptor)) real.close(descriptor, callback);
    else callbackOf(calls.close as Call)(descriptor, callback);
  };
}

function copyForm(core: Core) {
  return (...given: unknown[]): void => {
    const values = given.slice(0, arityOf("cp"));
    const callback = takeCallback(values);
    const [source, target, options] = values;
    checkCopyOptions(options);
    const from = pathOf(source, "src");
    const to = pathOf(target, "dest");
    copyTree(core, from, to, optionsOf(options)).then(
      () => tellNext(callback, null, undefined),
      (error: unknown) => tellNext(callback, error),
    );
  };
}

/** The callback form of a call that takes an `AbortSignal`: aborting wins until it is delivered. */
function abortable(name: "readFile" | "writeFile" | "appendFile", call: Call) {
  const arity = arityOf(name);
  return (...given: unknown[]): void => {
    const values = given.slice(0, arity);
    const callback = takeCallback(values);
    const { signal } = optionsOf(values[arity - 2]);
    if (signal === undefined) {
      callbackOf(call, { refuse: refusalOf(name) })(...values, callback);
      return;
    }
    if (!(signal instanceof AbortSignal)) {
      checkArguments((nowhere) =>
        real.readFile(nowhere, { signal: signal as AbortSignal }, () => {}),
      );
      return;
    }
    if (signal.aborted) {
      abort(signal, callback);
      return;
    }
    callbackOf(call)(...values, (error: unknown, ...results: unknown[]) => {
      if (signal.aborted) abort(signal, callback);
      else callback(error, ...results);
    });
  };
}

/** Lets Node make the error. */
function abort(signal: AbortSignal, callback: Callback): void {
  real.readFile("/dev/null/nowhere", { signal }, (error) => callback(error));
}
