import fs from "node:fs";
import os from "node:os";

/** What the figures were measured on, in a line for a report; names no paths. */
export function describeMachine(): string {
  const [processor] = os.cpus();
  const memoryGib = Math.round(os.totalmem() / 1024 ** 3);
  return (
    `${os.cpus().length} × ${processor?.model.trim() ?? "unknown processor"}, ${memoryGib} GiB, ` +
    `${os.type()} ${os.release()}, Node ${process.versions.node}`
  );
}

/** The file system that holds `directory`, and whether an ext4 has a journal. */
export function describeFileSystem(directory: string): string {
  const mounts = fs.readFileSync("/proc/self/mounts", "utf8").trim().split("\n");
  const dev = fs.statSync(directory).dev;
  const entry = mounts
    .map((line) => line.split(" "))
    .findLast(([, place = ""]) => fs.existsSync(place) && fs.statSync(place).dev === dev);
  const [device = "", , type = "unknown"] = entry ?? [];
  if (type !== "ext4") return type;
  const name = device.replace("/dev/", "");
  const options = `/proc/fs/ext4/${name}/options`;
  if (!fs.existsSync(options)) return type;
  const hasJournal = fs.readFileSync(options, "utf8").includes("data=");
  return hasJournal ? "ext4" : "ext4 without a journal";
}
