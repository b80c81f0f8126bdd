import fs from "node:fs";
import { expect, test, vi } from "vitest";

/** Slots of this process's table of descriptors; see proc_pid_status(5). */
function tableSize(): number {
  return Number(/^FDSize:\s+(\d+)/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1]);
}

test.runIf(process.platform === "linux")("the table of descriptors grows ahead", async () => {
  vi.resetModules();
  vi.stubEnv("DRAFTFS_NATIVE", "1");
  const { growDescriptorTable } = await import("../../src/disk/native/descriptor-table.ts");
  const count = tableSize() + 100;
  const descriptor = fs.openSync("/", "r");
  const open = fs.readdirSync("/proc/self/fd").length;
  growDescriptorTable(count, descriptor);
  await vi.waitFor(() => expect(tableSize()).toBeGreaterThan(count));
  await vi.waitFor(() => expect(fs.readdirSync("/proc/self/fd")).toHaveLength(open));
  fs.closeSync(descriptor);
  vi.unstubAllEnvs();
  vi.resetModules();
});
