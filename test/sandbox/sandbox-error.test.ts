import { describe, expect, it } from "vitest";
import { appArmorProfile, remedyFor } from "../../src/sandbox/sandbox-error.ts";

describe("the remedy for an engine that fails", () => {
  it("names user namespaces when unshare itself is refused", () => {
    const reason = "unshare: unshare failed: Operation not permitted";
    expect(remedyFor(reason)).toContain("user namespaces are not allowed");
  });

  it("speaks of the device, not of AppArmor, when FUSE cannot be opened", () => {
    const refused = remedyFor("sh: 1: cannot create /dev/fuse: Permission denied", false);
    expect(refused).toMatch(/udev/);
    expect(refused).not.toContain("apparmor");
    const missing = remedyFor("sh: 1: cannot create /dev/fuse: No such file or directory", false);
    expect(missing).toMatch(/modprobe fuse.*--device \/dev\/fuse/s);
  });

  // tursodatabase/agentfs#338.
  it("gives the profile whenever AppArmor restricts user namespaces", () => {
    expect(remedyFor("unshare ended with code 1", true)).toContain(appArmorProfile);
    expect(remedyFor("unshare ended with code 1", false)).not.toContain(appArmorProfile);
    const refused = remedyFor("unshare failed: Operation not permitted", true);
    expect(refused.split(appArmorProfile)).toHaveLength(2);
  });
});
