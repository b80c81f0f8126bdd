import { expect, test } from "vitest";
import { DraftError } from "../../src/errors.ts";
import {
  type FailureKind,
  kindOfError,
  kindOfWords,
  StartFailure,
} from "../../src/sandbox/start-failure.ts";

const words: readonly [string, FailureKind][] = [
  ["unshare: unshare failed: Operation not permitted", "not-allowed"],
  ["mount: /a: permission denied.; mount: /a: Permission denied", "not-allowed"],
  ["sh: 1: cannot create /dev/fuse: Permission denied", "device-refused"],
  ["sh: 1: cannot create /dev/fuse: No such file or directory", "device-missing"],
  ["mount: /a: unknown filesystem type 'fuse'.", "device-missing"],
  ["mount: /a: unknown filesystem type 'overlay'.", "unmountable"],
  ["mount: /a: wrong fs type, bad option, bad superblock on x", "unmountable"],
  ["sh: 1: nsenter: not found", "tool-missing"],
  ["spawn unshare ENOENT", "tool-missing"],
  ["unshare: unrecognized option '--propagation'", "tool-too-old"],
  ["unshare: unshare failed: No space left on device", "namespaces-used-up"],
  ["mount: /a: Cannot allocate memory; mount: /a: Operation not permitted", "scarce"],
  ["spawn unshare EAGAIN", "scarce"],
  ["spawn unshare EMFILE", "files-used-up"],
  ["sh: 1: cannot open /proc/self/stat: Too many open files", "files-used-up"],
  ["sh: 1: cannot open /proc/self/stat: Too many open files in system", "scarce"],
  ["unshare ended with code 1", "unknown"],
];

test.each(words)("the words of a tool tell of what kind a failure is: %s", (text, kind) => {
  expect(kindOfWords(text)).toBe(kind);
  expect(StartFailure.told(text)).toMatchObject({ kind, message: text });
});

test("a failure keeps its kind on the way, unless a tool has said more", () => {
  const failure = new StartFailure("wrong-system", "it needs Linux 6.6 or later");
  expect(StartFailure.met(failure, "")).toMatchObject({ kind: "wrong-system", cause: failure });
  expect(StartFailure.met(failure, "mount: Permission denied")).toMatchObject({
    kind: "not-allowed",
    message: "mount: Permission denied",
  });
});

test("an error of the system has the kind of its code, whatever it says", () => {
  const error = (code: string) => Object.assign(new Error("Permission denied"), { code });
  expect(kindOfError(error("ENFILE"))).toBe("scarce");
  expect(kindOfError(error("EMFILE"))).toBe("files-used-up");
  const told = new DraftError("DRAFT_SANDBOX_FAILED", "It cannot.", { cause: error("EMFILE") });
  expect(kindOfError(told)).toBe("files-used-up");
  expect(kindOfError(error("EACCES"))).toBe("not-allowed");
  expect(kindOfError(error("EWHATEVER"))).toBe("unknown");
  expect(kindOfError(undefined)).toBe("unknown");
});
