import { describe, expect, it } from "vitest";
import { clusterTexts } from "../../src/engines/template/cluster-texts.ts";
import { evolveTemplate } from "../../src/engines/template/evolve-template.ts";
import { extractTemplate } from "../../src/engines/template/extract-template.ts";
import { findTemplates, findTemplatesIn } from "../../src/engines/template/find-templates.ts";
import { matchTemplate } from "../../src/engines/template/match-template.ts";
import { renderTemplate, type Template } from "../../src/engines/template/template.ts";
import { TemplateCache } from "../../src/engines/template/template-cache.ts";
import { isDraftError } from "../../src/errors.ts";
import { layerOverlay } from "./support/layer-overlay.ts";
import { plant, temporaryDirectory } from "./support/plain-overlay.ts";

function controller(name: string, constant: string, plural: string, route: string): string {
  const low = name[0]?.toLowerCase() + name.slice(1);
  return [
    `import { ${name}Service } from "./${route}.service";`,
    "",
    `export const ${constant}_ROUTE = "/${plural}";`,
    "",
    `export class ${name}Controller {`,
    `  constructor(private readonly ${low}Service: ${name}Service) {}`,
    "",
    `  async find(id: string): Promise<${name} | undefined> {`,
    `    return await this.${low}Service.find(id);`,
    "  }",
    "}",
    "",
  ].join("\r\n");
}

const user = controller("User", "USER", "users", "user");
const orderLine = controller("OrderLine", "ORDER_LINE", "order-lines", "order-line");

function refused(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_TEMPLATE") return error.message;
    throw error;
  }
  throw new Error("expected a refusal");
}

describe("extractTemplate", () => {
  it("finds one parameter behind its spellings, and renders a new file from it", () => {
    const { template, data } = extractTemplate([user, orderLine]);
    expect(template.parameters).toHaveLength(1);
    expect(data.map((row) => Object.values(row))).toEqual([["User"], ["OrderLine"]]);
    const name = template.parameters[0]?.name ?? "";
    const category = controller(
      "BlogCategory",
      "BLOG_CATEGORY",
      "blog-categories",
      "blog-category",
    );
    expect(renderTemplate(template, { [name]: "BlogCategory" })).toBe(category);
  });

  it("is drawn from short examples when one value tells what differs", () => {
    const { template, data } = extractTemplate([
      "class User {\n  name = 'user';\n}\n// USER_ID\n",
      "class OrderLine {\n  name = 'orderLine';\n}\n// ORDER_LINE_ID\n",
    ]);
    expect(data.map((values) => Object.values(values))).toEqual([["User"], ["OrderLine"]]);
    expect(renderTemplate(template, { [template.parameters[0]?.name ?? ""]: "Item" })).toBe(
      "class Item {\n  name = 'item';\n}\n// ITEM_ID\n",
    );
  });

  it("gives back its examples to the byte", () => {
    const examples = [
      "\ufeff# `$1` {a} ${b}\r\nkey: one # same\n\ttail",
      "\ufeff# `$1` {a} ${b}\r\nkey: $& two {x} # same\n\ttail",
      "\ufeff# `$1` {a} ${b}\r\nkey: \\ # same\n\ttail",
    ];
    const { template, data } = extractTemplate(examples);
    expect(data.map((row) => renderTemplate(template, row))).toEqual(examples);
    expect(template.parameters.map(({ name }) => name)).toEqual(["key"]);
  });

  it("names holes by the key, keyword or element that they belong to", () => {
    const file = (name: string, port: string, title: string) =>
      `export class ${name} {\n  port = ${port};\n}\n// <title>${title}</title>\n`;
    const { template } = extractTemplate([file("Alpha", "80", "x y"), file("Beta", "443", "z")]);
    expect(template.parameters.map(({ name }) => name)).toEqual(["className", "port", "title"]);
  });

  it("takes no number for a spelling of another one", () => {
    const test = (name: string, sum: string, other: string) =>
      `def test_${name}():\n    assert ${name}(1, 2) == ${sum}\n    assert ${name}(-1, 2) == ${other}\n`;
    const { template } = extractTemplate([test("add", "3", "-3"), test("mul", "2", "2")]);
    expect(template.parameters).toHaveLength(3);
  });

  it("names what follows any word and any key, and survives being stored", () => {
    const of = (value: string) => `export class Logger {\n  constructor(${value}) {}\n}\n`;
    const { template, data } = extractTemplate([of("writer"), of("sink"), of("target")]);
    expect(template.parameters).toEqual([{ name: "name" }]);
    expect(data).toEqual([{ name: "writer" }, { name: "sink" }, { name: "target" }]);
    expect(JSON.parse(JSON.stringify(template))).toEqual(template);
    const keys = extractTemplate([
      'const settings = { "_": "two words" };',
      'const settings = { "_": "another" };',
    ]);
    expect(keys.template.parameters).toEqual([{ name: "text" }]);
  });

  it("does not cut a value in pieces at spaces that its neighbours share", () => {
    const line = (name: string) => `Dear ${name}, welcome to the library of the city.\n`;
    const { data } = extractTemplate([line("Ann Smith"), line("Mary Jane von Doe")]);
    expect(data.map((row) => Object.values(row))).toEqual([["Ann Smith"], ["Mary Jane von Doe"]]);
  });

  it("refuses what has no useful skeleton", () => {
    expect(refused(() => extractTemplate([user]))).toMatch(/at least two/);
    const unlike = [
      "The quick brown fox jumps over it.\n",
      "SELECT a, b FROM table WHERE c = 1;\n",
    ];
    expect(refused(() => extractTemplate(unlike))).toMatch(/too little in common/);
    expect(refused(() => extractTemplate(["a=1", "b=2"]))).toMatch(/too little in common/);
  });

  it("says which value is missing or unknown", () => {
    const { template } = extractTemplate([user, orderLine]);
    expect(refused(() => renderTemplate(template, {}))).toMatch(/has no value/);
    const name = template.parameters[0]?.name ?? "";
    expect(refused(() => renderTemplate(template, { [name]: "A", nmae: "B" }))).toMatch(
      /no parameter nmae/,
    );
  });

  it("takes long examples in its stride", () => {
    const long = (name: string) =>
      Array.from({ length: 4000 }, (_, index) => `row ${index} of ${name} is ${index * 7};\n`).join(
        "",
      );
    const { template, data } = extractTemplate([long("alpha"), long("beta gamma")]);
    expect(template.parameters).toHaveLength(1);
    expect(renderTemplate(template, data[1] ?? {})).toBe(long("beta gamma"));
  });
});

describe("matchTemplate", () => {
  it("recognises instances, and only those", () => {
    const { template } = extractTemplate([user, orderLine]);
    const data = matchTemplate(template, controller("Tag", "TAG", "tags", "tag"));
    expect(Object.values(data ?? {})).toEqual(["Tag"]);
    expect(matchTemplate(template, controller("Tag", "TAG", "labels", "tag"))).toBeUndefined();
    expect(matchTemplate(template, `${user}\n`)).toBeUndefined();
  });
});

describe("evolveTemplate", () => {
  const { template, data } = extractTemplate([user, orderLine]);

  it("takes a new instance in, and renders the old data as before", () => {
    const instance = controller("Tag", "TAG", "labels", "tag").replace(
      "  async find",
      "  // Labels.\r\n  async find",
    );
    const evolved = evolveTemplate(template, instance);
    expect(evolved.changed).toBe(true);
    expect(renderTemplate(evolved.template, evolved.data)).toBe(instance);
    expect(data.map((row) => renderTemplate(evolved.template, row))).toEqual([user, orderLine]);
    expect(evolveTemplate(evolved.template, instance).changed).toBe(false);
  });

  it("evolves again and again", () => {
    const instances = ["async", "Promise", "readonly", "constructor", "await"].map((word) =>
      user.replace(word, "other"),
    );
    let current: Template = template;
    const rows = instances.map((instance) => {
      const evolved = evolveTemplate(current, instance);
      current = evolved.template;
      return evolved.data;
    });
    expect(rows.map((row) => renderTemplate(current, row))).toEqual(instances);
    expect(data.map((row) => renderTemplate(current, row))).toEqual([user, orderLine]);
  });

  it("stays as it is for an instance that fits, and refuses a stranger", () => {
    expect(evolveTemplate(template, user)).toEqual({ template, data: data[0], changed: false });
    expect(refused(() => evolveTemplate(template, "Nothing of the kind.\n"))).toMatch(/keeps 0 %/);
  });
});

describe("the template cache", () => {
  const numbered = (index: number): Template => ({
    version: 1,
    segments: [`constant ${index} `, { parameter: "p", form: "exact" }],
    parameters: [{ name: "p" }],
  });

  it("keeps the most recently used templates, and compiles each once", () => {
    const cache = new TemplateCache();
    const first = cache.add(numbered(0));
    const ids = Array.from({ length: 63 }, (_, index) => cache.add(numbered(index + 1)));
    const render = cache.findRenderer(first);
    cache.add(numbered(99));
    expect(cache.size).toBe(64);
    expect(cache.find(ids[0] ?? "")).toBeUndefined();
    expect(cache.findRenderer(first)).toBe(render);
    expect(cache.findMatch("constant 7 x")).toEqual({ id: ids[6], data: { p: "x" } });
  });

  it("outlives the process in the state directory, and survives its damage", () => {
    const root = temporaryDirectory();
    const cache = new TemplateCache();
    const { template } = extractTemplate([user, orderLine]);
    const id = cache.add(template);
    cache.save(root);
    const next = new TemplateCache();
    next.load(root);
    expect(next.find(id)).toEqual(template);
    const name = { name: "p" };
    const hole = { parameter: "p", form: "exact" };
    const damaged: unknown[] = [
      null,
      { version: 2, segments: [], parameters: [] },
      { version: 1, segments: [1], parameters: [] },
      { version: 1, segments: [hole], parameters: [] },
      { version: 1, segments: [{ ...hole, form: "loud" }], parameters: [name] },
      { version: 1, segments: [hole], parameters: [name, name] },
      // What would stand in for itself.
      { version: 1, segments: ["a", hole], parameters: [{ ...name, standIn: [hole] }] },
    ];
    for (const text of ["{", ...damaged.map((one) => JSON.stringify({ templates: [one] }))]) {
      plant(root, { ".draftfs/templates.json": text });
      const cache = new TemplateCache();
      cache.load(root);
      expect([text, cache.size]).toEqual([text, 0]);
    }
  });
});

describe("clustering", () => {
  const words = ["alpha", "beta", "gamma", "delta", "omega", "sigma"];
  const other = (index: number) =>
    Array.from({ length: 60 }, (_, at) => `w${(index * 7919 + at * 104729) % 99991}`).join(" ");

  it("finds the groups that are there and leaves the rest alone", () => {
    const texts = [
      ...words.map((word) => controller(word, word.toUpperCase(), `${word}s`, word)),
      ...Array.from({ length: 40 }, (_, index) => other(index)),
      ...words.map(
        (word) => `${word}:\n  image: registry/${word}:1\n  ports: [80]\n  restart: always\n`,
      ),
    ];
    const clusters = clusterTexts(texts);
    expect(clusters.map((cluster) => cluster.map((index) => index))).toEqual([
      [0, 1, 2, 3, 4, 5],
      [46, 47, 48, 49, 50, 51],
    ]);
  });

  it("finds templates in a tree, in what is pending as well, and not in git's or our own", () => {
    const root = temporaryDirectory();
    const text = (word: string) => controller(word, word.toUpperCase(), `${word}s`, word);
    plant(root, {
      "src/alpha.ts": text("alpha"),
      "src/deep/beta.ts": text("beta"),
      "other.txt": other(1),
      "large.ts": text("large").repeat(60),
      ".git/gamma.ts": text("gamma"),
    });
    const layer = layerOverlay(root);
    layer.fs.writeFileSync("src/sigma.ts", text("sigma"));
    const instances = findTemplatesIn(layer)[0]?.instances.map(({ path }) => path);
    expect(instances).toEqual(["src/alpha.ts", "src/sigma.ts", "src/deep/beta.ts"]);
    expect(findTemplatesIn(layer, "src/deep")).toEqual([]);
    const stop = new AbortController();
    const seen: number[] = [];
    const onProgress = (files: number) => {
      seen.push(files);
      if (files === 2) stop.abort();
    };
    const search = () => findTemplatesIn(layer, ".", 3, { signal: stop.signal, onProgress });
    expect(search).toThrow(expect.objectContaining({ code: "DRAFT_ABORTED" }));
    expect(seen).toEqual([1, 2]);
    layer.close();
  });

  const header = Array.from(
    { length: 12 },
    (_, at) => `// Licensed to whom it may concern ${at}.\n`,
  );
  const named = (make: string, text: (word: string) => string) =>
    words.map((word) => {
      return { path: `${word}.${make}`, bytes: Buffer.from(header.join("") + text(word)) };
    });

  it("parts texts of two makes that have much in common", () => {
    const a = (word: string) =>
      `export class ${word} {\n  start(): void {\n    this.open();\n  }\n}\n`.repeat(6);
    const b = (word: string) => `it("takes ${word}", async () => expect(1).toBe(1));\n`.repeat(10);
    const files = named("a", a).flatMap((file, index) => [file, named("b", b)[index] ?? file]);
    expect(clusterTexts(files.map(({ bytes }) => bytes.toString()))).toHaveLength(1);
    const found = findTemplates(files).map(({ instances }) => instances.map(({ path }) => path));
    expect(found.toSorted()).toEqual(
      ["a", "b"].map((make) => words.map((word) => `${word}.${make}`)),
    );
  });

  it("generalises a template by what none of its examples had", () => {
    const files = Array.from({ length: 40 }, (_, index) => {
      const extra = index === 13 ? "// More.\n" : "";
      const text = `${header.join("")}export const item${index} = ${index};\n${extra}`;
      return { path: `${index}`, bytes: Buffer.from(text) };
    });
    const found = findTemplates(files);
    expect(found.map(({ instances }) => instances.length)).toEqual([40]);
    for (const { path, data } of found[0]?.instances ?? []) {
      const text = files[Number(path)]?.bytes.toString();
      expect(renderTemplate(found[0]?.template as Template, data)).toBe(text);
    }
  });

  it("draws templates from texts of its own accord", () => {
    const files = words.map((word) => ({
      path: `${word}.ts`,
      bytes: Buffer.from(controller(word, word.toUpperCase(), `${word}s`, word)),
    }));
    const binary = { path: "b", bytes: Uint8Array.of(0, 1, 2) };
    const found = findTemplates([...files, binary]);
    expect(found).toHaveLength(1);
    expect(found[0]?.instances.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
    expect(found[0]?.template.parameters).toHaveLength(1);
  });
});
