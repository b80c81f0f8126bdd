import { execFileSync, spawnSync } from "node:child_process";
import fs, { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { caseFiles, quickCases } from "./command-cases.ts";
import { kernelEngines, scratchDirectory, writeFiles } from "./sandbox-fixture.ts";
import { snapshotOf } from "./tree-snapshot.ts";

/** Of those that every system can run; a strict commit refuses zeros in what was text before. */
const cases = quickCases.filter(({ name, needs }) => needs === undefined && name !== "truncate -s");

describe.each(kernelEngines)("commands of engine %s, committed", (engine) => {
  it("leave on the disk what they leave there without draftfs", async () => {
    const scratch = scratchDirectory();
    for (const index of cases.keys()) {
      mkdirSync(join(scratch, "direct", `case${index}`), { recursive: true });
      writeFiles(join(scratch, "direct", `case${index}`), caseFiles);
    }
    const root = join(scratch, "real");
    execFileSync("cp", ["-a", join(scratch, "direct"), root]);
    const overlay = await openOverlay(root, { sandbox: { engine } });
    for (const [index, { script }] of cases.entries()) {
      spawnSync("sh", ["-c", script], { cwd: join(scratch, "direct", `case${index}`) });
      await overlay.run("sh", ["-c", script], { cwd: `case${index}`, stdio: "ignore" });
    }
    await overlay.commit({ message: "all" });
    await overlay.close();
    const times = (path: string): boolean => {
      const [, number = "", inside = ""] = /^case(\d+)\/(.*)/.exec(path) ?? [];
      return cases[Number(number)]?.times?.(inside) === true && inside !== "";
    };
    const ignore = [".draftfs"];
    expect(snapshotOf(fs, root, { times, ignore })).toEqual(
      snapshotOf(fs, join(scratch, "direct"), { times }),
    );
  });
});
