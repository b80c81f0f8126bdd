import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { deserialize } from "node:v8";
import { describe, expect, it, vi } from "vitest";
import { differencesOf, type Outcome } from "../conformance/harness/difference.ts";
import { plantReal } from "../conformance/harness/variants.ts";
import { concerns } from "../conformance/scenarios/concerns.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { canServeFuse, isRoot, openOver, scratchDirectory } from "./sandbox-fixture.ts";

// The server is a process of its own, and Node 20 runs no TypeScript.
vi.mock("../../src/sandbox/fuse/server-path.ts", async () => {
  const { buildCommandLine, builtServerPath } = await import("../support/built-command-line.ts");
  buildCommandLine();
  return { serverPath: builtServerPath };
});
type Outcomes = Readonly<Record<string, Outcome | { readonly thrown: string }>>;

/**
 * Without what overlayfs documents to be otherwise: the change times of directories and files that
 * it has copied up, and the link counts of directories.
 */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const isDirectory = /^4\d{4}$/.test(String(Reflect.get(value, "mode")));
  const left = Object.entries(value).filter(
    ([key]) => key !== "ctime" && !(isDirectory && key === "nlink"),
  );
  return Object.fromEntries(left.map(([key, inner]) => [key, comparable(inner)]));
}

function partedAt(expected: unknown, got: unknown): readonly unknown[] {
  const [left, right] = [expected as Outcomes[string], got as Outcomes[string] | undefined];
  if (right === undefined || "thrown" in left || "thrown" in right) {
    return JSON.stringify(left) === JSON.stringify(right) ? [] : [left, right];
  }
  return differencesOf(left, right);
}

function plantAll(home: string): void {
  for (const [concern, scenarios] of Object.entries(concerns)) {
    const place = join(home, concern.replaceAll(" ", "-"));
    fs.mkdirSync(place, { recursive: true });
    for (const [index, scenario] of scenarios.entries()) {
      plantReal(join(place, String(1000 + index)), scenario);
    }
  }
}

/**
 * Where a served tree differs, and why: FUSE takes setuid away at every write, as it does not know
 * the rights of the writer; a node without a name keeps the mode of its last name; and there are no
 * birth times.
 */
const knownDifferences = [
  "modes: a write takes setuid and setgid away as the kernel does",
  "modes: fchmod and fchown act on the open file",
  "modes: a copy takes the permission bits of its source",
  "times: birth times are before or at change times",
];

// The kernel's overlay differs more (links and directories of the lower, as SECURITY.md tells).
describe.runIf(canServeFuse && isRoot)("a program in a session of engine fuse", () => {
  const engine = "fuse";
  it("sees what it sees on a disk, whatever calls it makes", async () => {
    const scratch = scratchDirectory();
    fs.chmodSync(scratch, 0o755);
    // Of one length: sizes of absolute links must agree.
    const [direct, inside] = [join(scratch, "direct"), join(scratch, "inside")];
    for (const home of [direct, inside]) plantAll(home);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const marker = String(BigInt(Date.now()) * 1_000_000n);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { layer, session } = await openOver(inside, { engine });
    const program = CompiledProject.build().pathOf("test/sandbox/conformance-program.ts");
    execFileSync(process.execPath, [program, direct, marker, "users"], { stdio: "inherit" });
    const args = [program, inside, marker, "users"];
    const { exitCode } = await session.run(process.execPath, args, { stdio: "inherit" });
    expect(exitCode).toBe(0);
    const expected = deserialize(fs.readFileSync(join(direct, "outcomes"))) as Outcomes;
    const got = deserialize(layer.fs.readFileSync(join(inside, "outcomes")) as Buffer) as Outcomes;
    expect(Object.keys(got)).toEqual(Object.keys(expected));
    const parted: (readonly [string, unknown])[] = Object.entries(expected).flatMap(
      ([name, outcome]) => {
        const differences = partedAt(comparable(outcome), comparable(got[name]));
        return differences.length === 0 ? [] : [[name, differences] as const];
      },
    );
    const log = process.env["DRAFTFS_SHOW_DIFFERENCES"];
    if (log !== undefined)
      fs.writeFileSync(`${log}-${engine}`, inspect(parted, { depth: 8, maxArrayLength: null }));
    expect(parted.map(([name]) => name)).toEqual(knownDifferences);
  });
});
