import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(repository, "src");

/** Folders of `src`, lowest first: a folder may import itself and what stands before it. */
const layers: readonly (readonly string[])[] = [
  ["errors.ts", "failure-of.ts", "limits.ts", "suggest-name.ts", "ways.ts"],
  ["check-options.ts"],
  ["disk"],
  ["metrics"],
  ["objects"],
  ["overlay"],
  ["commit"],
  ["recovery"],
  ["config"],
  ["engines"],
  ["drafts"],
  ["tools"],
  ["sandbox"],
  ["api"],
  ["index.ts"],
  ["vitest", "cli"],
];

/** Files that are started or imported from outside, so that nobody in `src` imports them. */
const entries = [
  "index.ts",
  "cli/main.ts",
  "engines/index.ts",
  "tools/index.ts",
  "vitest/index.ts",
];

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .map((path) => path.split("\\").join("/"))
  .filter((path) => path.endsWith(".ts"))
  .sort();

const texts = new Map(files.map((path) => [path, readFileSync(join(source, path), "utf8")]));

function importsOf(path: string): string[] {
  const text = texts.get(path) ?? "";
  const pattern =
    /(?:^|\n)\s*(?:import|export)[^;'"]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|new URL\(\s*["'](\.[^"']+)["']/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

function localImports(): Import[] {
  return files.flatMap((from) =>
    importsOf(from)
      .filter((target) => target.startsWith("."))
      .map((target) => ({ from, to: posix.normalize(posix.join(posix.dirname(from), target)) })),
  );
}

function layerOf(path: string): number {
  const top = path.split("/")[0] as string;
  return layers.findIndex((layer) => layer.includes(top));
}

describe("the source tree", () => {
  it("has only folders that the architecture names", () => {
    expect(files.filter((path) => layerOf(path) < 0)).toEqual([]);
  });

  it("imports only downwards", () => {
    const upward = localImports().filter(({ from, to }) => {
      const same = from.split("/")[0] === to.split("/")[0];
      return !same && layerOf(to) >= layerOf(from);
    });
    expect(upward).toEqual([]);
  });

  it("touches node:fs only in src/disk and in the sandbox's process code", () => {
    const touching = files.filter((path) =>
      importsOf(path).some((target) => /^(node:)?fs(\/promises)?$/.test(target)),
    );
    const typesOnly = (path: string) =>
      [
        ...(texts.get(path) ?? "").matchAll(/\nimport ([^;]*?) from "node:fs(?:\/promises)?"/g),
      ].every(
        (match) =>
          (match[1] ?? "").startsWith("type ") || /^\{\s*type [^,]*\}$/.test(match[1] ?? ""),
      );
    const outside = touching.filter(
      (path) => !path.startsWith("disk/") && !path.startsWith("sandbox/") && !typesOnly(path),
    );
    expect(outside).toEqual([]);
  });

  it("has no file that nobody imports", () => {
    const imported = new Set(localImports().map(({ to }) => to.replace(/\.js$/, ".ts")));
    expect(files.filter((path) => !imported.has(path) && !entries.includes(path))).toEqual([]);
  });

  it("names files in kebab-case and has no utils", () => {
    const odd = files.filter((path) => !/^([a-z0-9-]+\/)*[a-z0-9-]+(\.d)?\.ts$/.test(path));
    const vague = files.filter((path) => /(^|[/-])(utils?|helpers?|misc|common)([/.-])/.test(path));
    expect([...odd, ...vague]).toEqual([]);
  });

  it("leaves no unfinished or silenced work behind", () => {
    const marks =
      /\b(TODO|FIXME|XXX)\b|@ts-ignore|@ts-expect-error|\bas any\b|: any(?=[;,)\]=|&>])/;
    const marked = files.filter((path) => marks.test(texts.get(path) ?? ""));
    expect(marked).toEqual([]);
  });

  it("looks for the programs that it starts beside the module that starts them", () => {
    const pattern = /new URL\(\s*"\.\/([\w-]+)\.js",\s*([^;]*?),?\s*\)\s*\)/g;
    const programs = files.flatMap((path) =>
      [...(texts.get(path) ?? "").matchAll(pattern)].map(([, name, base]) => ({
        path,
        name,
        base,
      })),
    );
    const astray = programs.filter(({ path, name, base }) => {
      const isBeside = files.includes(posix.join(posix.dirname(path), `${name}.ts`));
      return !isBeside || !base?.includes("import.meta.url");
    });
    expect(programs.length).toBeGreaterThan(2);
    expect(astray).toEqual([]);
  });

  it("keeps lines within 100 columns", () => {
    const long = files.flatMap((path) =>
      (texts.get(path) ?? "")
        .split("\n")
        .map((line, index) => ({ at: `${path}:${index + 1}`, line }))
        .filter(({ line }) => line.length > 100 && !/https?:\/\//.test(line))
        .map(({ at }) => at),
    );
    expect(long).toEqual([]);
  });

  it("documents every dependency in ARCHITECTURE.md", () => {
    const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
      optionalDependencies?: Record<string, string>;
      peerDependencies?: Record<string, string>;
    };
    const architecture = readFileSync(join(repository, "ARCHITECTURE.md"), "utf8");
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    expect(names.filter((name) => !architecture.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("the lock file", () => {
  it("names the packages of every platform, without which npm ci refuses it", () => {
    const lock = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter(
        (name) =>
          !(`node_modules/${name}` in lock.packages) &&
          !(`${path}/node_modules/${name}` in lock.packages),
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe("tests", () => {
  const tests = new Map(
    ["test", "property-tests"]
      .flatMap((folder) =>
        readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" }).map((path) =>
          join(repository, folder, path),
        ),
      )
      .filter((path) => path.endsWith(".ts") && !path.endsWith("tidy.test.ts"))
      .map((path) => [relative(repository, path), readFileSync(path, "utf8")]),
  );
  const those = (isMarked: (path: string, text: string) => boolean): string[] =>
    [...tests].filter(([path, text]) => isMarked(path, text)).map(([path]) => path);

  it("are never skipped for good", () => {
    const mark = /\b(it|test|describe)\.(only\(|todo\(|skip\((?!`not tried))/;
    expect(those((_, text) => mark.test(text))).toEqual([]);
  });

  it("share no hook by an import, which only the first file of a process would register", () => {
    const isTest = (path: string) => /\.(test|long|property)\.ts$/.test(path);
    const hook = /^(before|after)(Each|All)\(/m;
    expect(those((path, text) => !isTest(path) && hook.test(text))).toEqual([]);
  });

  it("that mock a module of ours load everything anew, and let the next file of the process do so", () => {
    const mock = /^ *vi\.(mock|doMock)\("\./m;
    const isQuick = (path: string) => /\.(test|property)\.ts$/.test(path);
    const isFresh = (text: string) =>
      (text.includes("vi.hoisted(() => vi.resetModules());") || !/^vi\.mock\(/m.test(text)) &&
      text.includes("afterAll(() => vi.resetModules());");
    const mocking = those((path, text) => isQuick(path) && mock.test(text));
    expect(mocking.filter((path) => !isFresh(tests.get(path) ?? ""))).toEqual([]);
  });
});
