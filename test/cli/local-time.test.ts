import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { buildCommandLine } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "one\n" });
});
afterEach(() => project[Symbol.dispose]());

/** The wall clock of a place, with the offset of its zone from UTC written into the name. */
const wallClock = (offsetHours: number): RegExp => {
  const now = Date.now() + offsetHours * 3_600_000;
  const hours = [now - 60_000, now].map((ms) => new Date(ms).toISOString().slice(0, 13));
  return new RegExp(hours.map((hour) => hour.replace("T", " ")).join("|"));
};

it("times are those of the wall clock, in one form everywhere", () => {
  project.run("echo two >> a.txt");
  const env = { TZ: "XXX-5" };
  expect(project.draftfs(["drafts"], { env }).out).toMatch(wallClock(5));
  project.draftfs(["commit"]);
  expect(project.draftfs(["log"], { env }).out).toMatch(wallClock(5));
});
