import { describe, expect, it } from "vitest";
import { appArmorProfile, isolationError, remedyFor } from "../../src/sandbox/sandbox-error.ts";
import { kindOfWords, StartFailure } from "../../src/sandbox/start-failure.ts";

describe("the remedy for an engine that fails", () => {
  it("names user namespaces when unshare itself is refused", () => {
    const reason = "unshare: unshare failed: Operation not permitted";
    expect(remedyFor(kindOfWords(reason))).toContain("user namespaces are not allowed");
  });

  it("speaks of the device, not of AppArmor, when FUSE cannot be opened", () => {
    const refused = remedyFor(
      kindOfWords("sh: 1: cannot create /dev/fuse: Permission denied"),
      false,
    );
    expect(refused).toMatch(/udev/);
    expect(refused).not.toContain("apparmor");
    const missing = remedyFor(
      kindOfWords("sh: 1: cannot create /dev/fuse: No such file or directory"),
      false,
    );
    expect(missing).toMatch(/modprobe fuse.*--device \/dev\/fuse/s);
  });

  // tursodatabase/agentfs#338.
  it("gives the profile whenever AppArmor restricts user namespaces", () => {
    expect(remedyFor(kindOfWords("unshare ended with code 1"), true)).toContain(appArmorProfile);
    expect(remedyFor(kindOfWords("unshare ended with code 1"), false)).not.toContain(
      appArmorProfile,
    );
    const refused = remedyFor(kindOfWords("unshare failed: Operation not permitted"), true);
    expect(refused.split(appArmorProfile)).toHaveLength(2);
  });

  it("is told once where it helps several engines, and names the way to a copy", () => {
    const refused = "unshare: unshare failed: Operation not permitted";
    const copy = "a copy of the tree cannot enforce isolation (it is `cooperative`)";
    const mounts = "the tree holds mounts, which an overlay cannot show: /r/m";
    const failures = {
      overlay: StartFailure.told(refused),
      fuse: StartFailure.told(refused),
      "overlay-user": new StartFailure("mounts-inside", mounts),
      clone: new StartFailure("cannot-enforce", copy),
    };
    const attempts = Object.entries(failures).map(([engine, { message: reason, kind }]) => {
      return { engine, reason, remedy: remedyFor(kind, false) };
    });
    const { message } = isolationError("/r", attempts);
    expect(message.split("profile draftfs-unshare")).toHaveLength(2);
    expect(message).toMatch(/fuse: unshare.*\n +What helps is the same as for overlay\./);
    expect(message).toMatch(/cannot show: \/r\/m\n +The engine fuse shows them/);
    expect(message).toMatch(/clone: .*\n +It is taken with --require cooperative/);
    expect(message).not.toContain("draftfs doctor");
  });
});
