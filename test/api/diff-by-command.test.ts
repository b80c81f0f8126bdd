import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CommandDiff, type Overlay, openOverlay } from "../../src/index.ts";

let root: string;
const opened: Overlay[] = [];

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "draftfs-by-command-")));
  mkdirSync(join(root, "d"));
  for (const name of ["a", "b", "d/c"]) writeFileSync(join(root, name), `${name}\n`);
});
afterEach(async () => {
  for (const overlay of opened.splice(0)) await overlay.close();
  rmSync(root, { recursive: true, force: true });
});

async function open(): Promise<Overlay> {
  const overlay = await openOverlay(root, { draft: "main" });
  opened.push(overlay);
  return overlay;
}

const sh = (overlay: Overlay, script: string) =>
  overlay.run("sh", ["-c", script], { stdio: "ignore" });

/** `script: paths` of each part. */
function outline(parts: readonly CommandDiff[]): string[] {
  return parts.map(({ command, diff }) => {
    const paths = diff.changes.map(({ path }) => path).join(" ");
    return `${command === undefined ? "-" : command.words.at(-1)}: ${paths}`;
  });
}

describe("what is pending, by command", () => {
  it("belongs to the command that touched it last, or to none", async () => {
    const overlay = await open();
    overlay.fs.writeFileSync(join(root, "api"), "api\n");
    await sh(overlay, "echo 1 >> a; echo 1 > n; mv d/c d/moved");
    await sh(overlay, "echo 2 >> a; rm b; exit 3");
    await sh(overlay, "true");
    const parts = await overlay.diffByCommand();
    expect(outline(parts)).toEqual([
      "-: api",
      "echo 1 >> a; echo 1 > n; mv d/c d/moved: d/moved n",
      "echo 2 >> a; rm b; exit 3: a b",
    ]);
    expect(parts.map(({ command }) => command?.exitCode)).toEqual([undefined, 0, 3]);
  });

  it("is kept in a saved draft, and goes with what is committed", async () => {
    const first = await open();
    await sh(first, "echo 1 >> a; echo 1 >> b");
    await first.saveDraft();
    await first.close();
    const second = await open();
    await sh(second, "echo 2 > n");
    await second.commit({ include: ["a"] });
    await second.saveDraft();
    await second.close();
    const third = await open();
    const parts = await third.diffByCommand();
    expect(outline(parts)).toEqual(["echo 1 >> a; echo 1 >> b: b", "echo 2 > n: n"]);
    expect(parts.map(({ command }) => [command?.id, command?.paths])).toEqual([
      [1, ["b"]],
      [2, ["n"]],
    ]);
  });

  it("is in the log once it is committed, command by command", async () => {
    const overlay = await open();
    overlay.fs.writeFileSync(join(root, "api"), "api\n");
    await sh(overlay, "echo 1 >> a; echo 1 >> b");
    await sh(overlay, "echo 2 >> a; rm d/c; exit 3");
    await overlay.commit({ exclude: ["b"] });
    await overlay.commit();
    overlay.fs.writeFileSync(join(root, "api"), "again\n");
    await overlay.commit();
    await overlay.undo();
    const manifests = (await overlay.log()).map(({ manifest }) => manifest);
    const words = (script: string): string[] => ["sh", "-c", script];
    const first = words("echo 1 >> a; echo 1 >> b");
    const second = words("echo 2 >> a; rm d/c; exit 3");
    expect(manifests.map(({ command }) => command)).toEqual([null, null, first, second]);
    const shares = manifests.map(({ commands }) =>
      commands?.map(({ words, exitCode, paths }) => [words, exitCode, paths]),
    );
    const expected = [[[first, 0, ["b"]]], [[second, 3, ["a", "d/c"]]]];
    expect(shares).toEqual([undefined, undefined, ...expected]);
  });

  it("forgets commands that were rolled back", async () => {
    const overlay = await open();
    await sh(overlay, "echo 1 >> a");
    const savepoint = overlay.savepoint();
    await sh(overlay, "echo 2 >> a; echo 2 > n");
    overlay.rollback(savepoint);
    expect(outline(await overlay.diffByCommand())).toEqual(["echo 1 >> a: a"]);
  });

  it("names the command also of what was harvested while it ran", async () => {
    const overlay = await open();
    const script = "echo early > early; until [ -e go ]; do sleep 0.01; done; echo late > late";
    const running = await overlay.spawn("sh", ["-c", script], { stdio: "ignore" });
    while (!overlay.fs.existsSync(join(root, "early"))) await overlay.harvest();
    overlay.fs.writeFileSync(join(root, "go"), "");
    await running.result;
    expect(outline(await overlay.diffByCommand())).toEqual(["-: go", `${script}: early late`]);
  });

  it("makes patches that git applies one after another", async () => {
    const overlay = await open();
    await sh(overlay, "echo 1 >> a; mkdir new; echo 1 > new/x");
    await sh(overlay, "echo 2 > new/y; rm d/c");
    const copy = `${root}-copy`;
    execFileSync("cp", ["-a", root, copy]);
    try {
      for (const { diff } of await overlay.diffByCommand()) {
        execFileSync("git", ["apply", "-"], { cwd: copy, input: diff.toPatch() });
      }
      expect(readFileSync(join(copy, "new/y"), "utf8")).toBe("2\n");
      expect(readFileSync(join(copy, "a"), "utf8")).toBe("a\n1\n");
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
