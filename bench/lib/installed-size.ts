import fs from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "../../test/support/project-directory.ts";
import { markdownTable } from "./table.ts";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** One package that comes with an installation. */
interface Installed {
  readonly name: string;
  readonly kind: "needed" | "optional";
  readonly bytes: number;
  readonly files: number;
}

/** What an installation of draftfs brings along: each package, and all of them; optional ones apart. */
export function installedSizeTable(): string {
  const packages = installedPackages();
  const rows = packages.map(({ name, kind, bytes, files }) => [
    kind === "needed" ? name : `${name} (optional)`,
    String(files),
    kibibytes(bytes),
  ]);
  const needed = packages.filter(({ kind }) => kind === "needed");
  const total = (key: "bytes" | "files"): number => needed.reduce((sum, one) => sum + one[key], 0);
  rows.push(["all that are needed", String(total("files")), kibibytes(total("bytes"))]);
  return markdownTable(["package", "files", "KiB"], rows);
}

/** The packages that `dependencies` lead to, also by way of others; a missing optional one is not. */
function installedPackages(): Installed[] {
  const found = new Map<string, Installed>();
  const visit = (manifest: Manifest, kind: Installed["kind"]): void => {
    const wanted = { ...manifest.dependencies, ...manifest.optionalDependencies };
    for (const name of Object.keys(wanted)) {
      const directory = join(projectDirectory(), "node_modules", name);
      if (found.has(name) || !fs.existsSync(join(directory, "package.json"))) continue;
      const own = name in (manifest.optionalDependencies ?? {}) ? "optional" : kind;
      found.set(name, { name, kind: own, ...sizeOf(directory) });
      visit(manifestOf(directory), own);
    }
  };
  visit(manifestOf(projectDirectory()), "needed");
  return [...found.values()].sort((one, other) => other.bytes - one.bytes);
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(fs.readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
}

function sizeOf(directory: string): { readonly bytes: number; readonly files: number } {
  const stats = fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => fs.lstatSync(join(directory, name)))
    .filter((one) => one.isFile());
  return { files: stats.length, bytes: stats.reduce((sum, { size }) => sum + size, 0) };
}

function kibibytes(bytes: number): string {
  return Math.round(bytes / 1024).toLocaleString("en-US");
}
