import { describe, expect, it } from "vitest";
import { remedyFor } from "../../src/sandbox/sandbox-error.ts";

describe("the remedy for an engine that fails", () => {
  it("names user namespaces when unshare itself is refused", () => {
    const reason = "unshare: unshare failed: Operation not permitted";
    expect(remedyFor(reason)).toContain("user namespaces are not allowed");
  });
});
