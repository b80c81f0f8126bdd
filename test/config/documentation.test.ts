import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ConfigKey, configKeys } from "../../src/config/config-keys.ts";
import { agentTools } from "../../src/tools/tool-registry.ts";
import { projectDirectory } from "../support/project-directory.ts";

const read = (name: string) => readFileSync(join(projectDirectory(), "docs", name), "utf8");

describe("the documentation", () => {
  it("has a row for every key, with its default, its values and its reader", () => {
    const text = read("configuration.md");
    const rows = Object.entries(configKeys).map(([name, key]) => {
      const { standard, kind, reader, meaning }: ConfigKey<unknown> = key;
      return `| \`${name}\` | \`${standard}\` | ${kind.expected} | ${reader} | ${meaning} |`;
    });
    expect(rows.filter((row) => !text.includes(row))).toEqual([]);
  });

  it("has a test for every key that sets it and sees what it does", () => {
    const tests = [
      ...["api/configuration", "api/measured-operations", "api/overlay", "engines/optimizer"],
      ...["config/agent-profile", "config/alerts", "config/collect-metrics", "config/thresholds"],
      "cli/dashboard/project-watch",
    ];
    const texts = tests.map((name) =>
      readFileSync(join(projectDirectory(), "test", `${name}.test.ts`), "utf8"),
    );
    const names = Object.keys(configKeys).map((key) => key.split("."));
    const untested = names.filter((parts) => {
      const [section = "", name = ""] = parts.slice(-2);
      // A name that several keys have says nothing without its section.
      const isShared = names.filter((others) => others.at(-1) === name).length > 1;
      const set = new RegExp(isShared ? `\\b${section}\\b\\W{1,6}\\b${name}\\b` : `\\b${name}\\b`);
      return !texts.some((text) => set.test(text));
    });
    expect(untested).toEqual([]);
  });

  it("has every tool with its parameters", () => {
    const text = read("tools.md");
    const missing = agentTools.flatMap(({ name, inputSchema }) => {
      const row = text.split("\n").find((line) => line.startsWith(`| ${name} |`)) ?? "";
      const parameters = Object.keys(inputSchema["properties"] ?? {});
      return parameters.filter((one) => !row.includes(one)).map((one) => `${name} ${one}`);
    });
    expect(missing).toEqual([]);
  });
});
