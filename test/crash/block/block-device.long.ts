import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlockDevice, blockDeviceObstacle, makeImage } from "../../support/block-device.ts";
import { CompiledProject } from "../../support/compiled-project.ts";
import { readWriteLog } from "./write-log.ts";

const obstacle = blockDeviceObstacle("ext4");

describe.skipIf(obstacle !== undefined)(`the simulated disk ${obstacle ?? ""}`, () => {
  let workspace: string;
  let image: string;
  beforeEach(() => {
    workspace = fs.mkdtempSync(join(os.tmpdir(), "draftfs-block-test-"));
    image = join(workspace, "image");
    makeImage(image, "ext4");
  });
  afterEach(() => {
    fs.rmSync(workspace, { recursive: true });
  });

  it("records content before the flush that makes it durable, and marks in between", async () => {
    const log = join(workspace, "log");
    {
      await using device = await BlockDevice.open(image, { log });
      const path = join(device.mount("ext4"), "file");
      device.mark("before");
      fs.writeFileSync(path, "content that can be found again", { flush: true });
      device.mark("after");
      expect(device.counters().flushes).toBeGreaterThan(0);
      device.unmount();
    }
    const records = readWriteLog(log);
    const indexOf = (text: string) =>
      records.findIndex((record) => record.kind === "mark" && record.text === text);
    const written = records.findIndex(
      (record) => record.kind === "write" && record.data.includes("content that can be found"),
    );
    const flushed = records.findIndex(
      (record, index) => record.kind === "flush" && index > written,
    );
    expect(indexOf("before")).toBeLessThan(written);
    expect(flushed).toBeLessThan(indexOf("after"));
    expect(written).toBeGreaterThan(0);
  });

  it("forgets what was written, unless it is to keep it", async () => {
    for (const keep of [false, true]) {
      {
        await using device = await BlockDevice.open(image, { keep });
        fs.writeFileSync(join(device.mount("ext4"), `kept-${keep}`), "");
        device.unmount();
      }
      await using device = await BlockDevice.open(image);
      expect(fs.existsSync(join(device.mount("ext4"), `kept-${keep}`))).toBe(keep);
      device.unmount();
    }
  });

  it("leaves no mount, loop device or file behind when its owner is killed", async () => {
    const project = CompiledProject.build();
    const owner = spawn(
      process.execPath,
      [project.pathOf("test/crash/block/block-device-owner.ts"), image],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [output] = await once(owner.stdout, "data");
    const directory = dirname(String(output).trim());
    expect(execFileSync("losetup", ["-a"], { encoding: "utf8" })).toContain(directory);
    owner.kill("SIGKILL");
    const remains = () =>
      fs.existsSync(directory) ||
      fs.readFileSync("/proc/self/mounts", "utf8").includes(directory) ||
      execFileSync("losetup", ["-a"], { encoding: "utf8" }).includes(directory);
    for (let attempt = 0; attempt < 200 && remains(); attempt++) await pause(50);
    expect(remains()).toBe(false);
  });
});
