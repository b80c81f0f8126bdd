import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { kernelEngines, treeOf } from "./sandbox-fixture.ts";

describe.each(kernelEngines)("commands of engine %s, committed", (engine) => {
  it("conflict with what others changed on the disk meanwhile", async () => {
    const root = treeOf({ a: "a\n", b: "b\n" });
    const overlay = await openOverlay(root, { sandbox: { engine } });
    const script = "cat a > copy; until [ -e go ]; do sleep 0.01; done; echo mine >> a; rm b";
    const running = overlay.run("sh", ["-c", script], { stdio: "ignore" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    appendFileSync(join(root, "a"), "theirs\n");
    appendFileSync(join(root, "b"), "theirs\n");
    overlay.fs.writeFileSync(join(root, "go"), "");
    await running;
    await expect(overlay.commit({ message: "x" })).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
    });
    await overlay.close();
    expect(readFileSync(join(root, "a"), "utf8")).toBe("a\ntheirs\n");
    expect(readFileSync(join(root, "b"), "utf8")).toBe("b\ntheirs\n");
  });
});
