import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ControlGroup } from "../../src/sandbox/command/control-group.ts";
import { controlGroupPlaces, placesIn } from "../../src/sandbox/command/control-group-places.ts";
import { allEngines, isRoot, openOver, scratchDirectory, treeOf } from "./sandbox-fixture.ts";

const quiet = { stdio: "ignore" } as const;

/** Whether the kernel gives this user a group that bounds processes. */
const hasProcessGroups = (() => {
  const group = ControlGroup.open({ processes: 10 });
  const { size } = group.resources;
  group.remove();
  return size > 0;
})();

describe.each(allEngines)("a limit on a command of engine %s", (engine) => {
  it("is told of in the result, with what enforces it and whether it was reached", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const limits = { cpuSeconds: 100, fileBytes: 4096 };
    const result = await session.run("sleep", ["60"], { ...quiet, limits, timeoutMs: 50 });
    expect(result.limits).toEqual([
      { resource: "processor", amount: 100, by: "prlimit", scope: "process", isReached: undefined },
      { resource: "file", amount: 4096, by: "prlimit", scope: "process", isReached: undefined },
      { resource: "time", amount: 50, by: "timer", scope: "command", isReached: true },
    ]);
    expect(result.warnings.join()).toMatch(/limit of time was reached: [0-9.]+ s \(timer\)/);
    expect((await session.run("true", [], quiet)).limits).toEqual([]);
  });

  it.runIf(hasProcessGroups)("bounds the processes of a command together", async () => {
    const { layer, root, session } = await openOver(treeOf({}), { engine });
    const before = groupsLeft();
    const script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & echo $i >> started; done; wait";
    const limits = { processes: 4 };
    const bounded = await session.run("sh", ["-c", script], { ...quiet, limits });
    expect(bounded.limits).toMatchObject([{ by: "cgroup", scope: "command", isReached: true }]);
    const started = layer.fs.readFileSync(join(root, "started"), "utf8") as string;
    expect(started.split("\n").length - 1).toBeLessThan(5);
    const roomy = await session.run("true", [], { ...quiet, limits: { processes: 50 } });
    expect(roomy.limits).toMatchObject([{ by: "cgroup", isReached: false }]);
    // What a copy cannot kill keeps its group.
    if (engine !== "clone") expect(groupsLeft()).toEqual(before);
  });

  it.runIf(hasProcessGroups && engine !== "clone")("cannot be lifted by the command", async () => {
    const { layer, root, session } = await openOver(treeOf({}), { engine });
    // In namespaces of its own it sees the groups from its own one down.
    const lift =
      "for kind in 'cgroup -o pids' cgroup2; do mount -t $kind none m || continue; " +
      "echo max > m/pids.max; echo mounted >> mounted; umount m; done";
    const script =
      'mkdir m; unshare -UrmC sh -c "$LIFT"; ' +
      "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & echo $i >> started; done; wait";
    const limits = { processes: 6 };
    const options = { ...quiet, limits, env: { LIFT: lift } };
    const result = await session.run("sh", ["-c", script], options);
    expect(result.limits).toMatchObject([{ by: "cgroup", isReached: true }]);
    const started = layer.fs.readFileSync(join(root, "started"), "utf8") as string;
    expect(started.split("\n").length - 1).toBeLessThan(7);
  });

  it.runIf(isRoot && !hasProcessGroups)("is refused when root would be exempt", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const running = session.run("true", [], { ...quiet, limits: { processes: 5 } });
    await expect(running).rejects.toMatchObject({ code: "DRAFT_ISOLATION" });
  });

  it.runIf(!isRoot && !hasProcessGroups)("bounds the processes of its user", async () => {
    const { session } = await openOver(treeOf({}), { engine });
    const limits = { processes: 1 };
    const result = await session.run("sh", ["-c", "sleep 0 & wait $!"], { ...quiet, limits });
    expect(result.exitCode).not.toBe(0);
    expect(result.limits).toMatchObject([{ by: "prlimit", scope: "user" }]);
  });
});

describe("the places for control groups", () => {
  const unified = "30 24 0:26 / MOUNT rw - cgroup2 cgroup2 rw,nsdelegate";

  it("are our own group and the one above, where the kernel offers the controllers", () => {
    const mount = fakeHierarchy("memory pids cpu", ["user.slice/app.scope"]);
    const tables = [unified.replace("MOUNT", mount), "0::/user.slice/app.scope\n"] as const;
    expect(placesIn(...tables)).toEqual([
      {
        parent: `${mount}/user.slice/app.scope`,
        version: 2,
        resources: ["memory", "processes"],
      },
      { parent: `${mount}/user.slice`, version: 2, resources: ["memory", "processes"] },
    ]);
  });

  it("are none where the controllers belong to the older hierarchies, but for processes", () => {
    const mount = fakeHierarchy("hugetlb", []);
    const mounts = [
      unified.replace("MOUNT", mount),
      "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
      "32 24 0:28 /docker/1 /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
    ].join("\n");
    const memberships = "8:pids:/docker/1/inner\n4:memory:/a\n0::/\n";
    expect(placesIn(mounts, memberships)).toEqual([
      { parent: "/sys/fs/cgroup/pids/inner", version: 1, resources: ["processes"] },
    ]);
  });
});

describe("a control group", () => {
  it("bounds memory without swap and processes, delegated from the group above", () => {
    const parent = fakeHierarchy("memory pids", []);
    const place = { parent, version: 2, resources: ["memory", "processes"] } as const;
    const group = ControlGroup.open({ memory: 1 << 20, processes: 7 }, [place]);
    expect([...group.resources]).toEqual(["memory", "processes"]);
    const [name = ""] = readdirSync(parent).filter((entry) => entry.startsWith("draftfs-"));
    const read = (file: string): string => readFileSync(join(parent, name, file), "utf8");
    expect(read("memory.max")).toBe("1048576");
    // The launcher counts.
    expect(read("pids.max")).toBe("8");
    expect(readFileSync(join(parent, "cgroup.subtree_control"), "utf8")).toMatch(/\+(memory|pids)/);
    writeFileSync(join(parent, name, "memory.events"), "oom 1\noom_kill 2\n");
    expect(group.isReached("memory")).toBe(true);
    expect(group.isReached("processes")).toBe(false);
  });

  it("is not made where it could not be joined, and says so by bounding nothing", () => {
    const place = { parent: "/nonexistent", version: 2, resources: ["memory"] } as const;
    const group = ControlGroup.open({ memory: 1 }, [place]);
    expect([...group.resources]).toEqual([]);
    expect(group.words).toEqual([]);
  });
});

/** Ordinary files in the place of those of the kernel. */
function fakeHierarchy(controllers: string, groups: readonly string[]): string {
  const mount = scratchDirectory();
  for (const group of ["", ...groups.flatMap(withParents)]) {
    mkdirSync(join(mount, group), { recursive: true });
    writeFileSync(join(mount, group, "cgroup.controllers"), `${controllers}\n`);
    writeFileSync(join(mount, group, "cgroup.subtree_control"), "");
    writeFileSync(join(mount, group, "cgroup.procs"), "");
  }
  return mount;
}

function withParents(path: string): string[] {
  const names = path.split("/");
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}

function groupsLeft(): string[] {
  return controlGroupPlaces().flatMap(({ parent }) =>
    readdirSync(parent).filter((name) => name.startsWith(`draftfs-${process.pid}-`)),
  );
}
