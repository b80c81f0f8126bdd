import fs from "node:fs";
import { join } from "node:path";
import { batch } from "../../src/engines/batch/batch.ts";
import { transaction } from "../../src/engines/batch/transaction.ts";
import { type Edit, replaceText } from "../../src/engines/coalesce/edit.ts";
import { editExtents } from "../../src/engines/coalesce/edit-extents.ts";
import { multiEdit } from "../../src/engines/coalesce/multi-edit.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import { transformStream } from "../../src/engines/stream/stream.ts";
import { extractTemplate } from "../../src/engines/template/extract-template.ts";
import type { Template } from "../../src/engines/template/template.ts";
import { batchFromTemplate } from "../../src/engines/template/template-files.ts";
import { MIB } from "../../src/limits.ts";
import type { Scale, Scenario } from "./scenario.ts";

const text = (index: number) => `export const value${index} = ${index};\n`.repeat(60);
const names = (count: number) => Array.from({ length: count }, (_, index) => `file-${index}.ts`);

const component = (name: string) =>
  [
    `import { render } from "./render.js";`,
    `export interface ${name}Props { readonly id: string; }`,
    `export function ${name}(props: ${name}Props): string {`,
    `  return render("${name}", props);`,
    "}",
    "",
  ]
    .join("\n")
    .repeat(8);

const single: Scenario = {
  name: "single small write, left alone",
  wanted: "0 % / 0 %",
  onDisk: true,
  prepare: (root) => fs.writeFileSync(join(root, "file-0.ts"), "old\n"),
  plain: (root, files) => files.write(join(root, "file-0.ts"), smallText),
  engine: (overlay) => {
    const bytes = Buffer.from(smallText);
    runOptimized(overlay, [{ kind: "write", path: "file-0.ts", bytes }]);
  },
};

const smallText = text(0).slice(0, 800);

function manyFiles(count: number, wanted: string): Scenario {
  return {
    name: count === 1 ? "single write, committed" : `${count}-file batch`,
    wanted,
    prepare: (root) => {
      for (const name of names(count)) fs.writeFileSync(join(root, name), "old\n");
    },
    plain: (root, files) => {
      for (const [index, name] of names(count).entries()) {
        files.write(join(root, name), text(index));
      }
    },
    engine: async (overlay) => {
      if (count === 1) {
        runOptimized(overlay, [{ kind: "write", path: "file-0.ts", bytes: Buffer.from(text(0)) }]);
        return;
      }
      await batch(overlay, (builder) => {
        for (const [index, name] of names(count).entries()) builder.write(name, text(index));
      });
    },
  };
}

/** The template as a cache would have it, drawn before. */
let known: Template | undefined;

function templateOf(): Template {
  return extractTemplate([component("User"), component("OrderLine")]).template;
}

const templated: Scenario = {
  name: "template × 5",
  wanted: "38 % / 67 %",
  prepare: () => {
    known ??= templateOf();
  },
  plain: (root, files) => {
    for (const name of ["Alpha", "Beta", "Gamma", "Delta", "Omega"]) {
      files.write(join(root, `${name}.ts`), component(name));
    }
  },
  engine: (overlay) => {
    const template = known ?? templateOf();
    const parameter = template.parameters[0]?.name ?? "";
    const rows = ["Alpha", "Beta", "Gamma", "Delta", "Omega"].map((name) => {
      return { path: `${name}.ts`, data: { [parameter]: name } };
    });
    const result = batchFromTemplate(overlay, template, rows);
    if (result.outcome !== "applied") throw new Error("the template batch failed");
  },
};

const drawn: Scenario = {
  ...templated,
  name: "template × 5, drawn from two examples first",
  prepare: () => {
    known = undefined;
  },
};

const threeEdits = [
  ["value0 = 0", "value0 = 10"],
  ["value0 = 0", "value0 = 20"],
  ["value0 = 0", "value0 = 30"],
] as const;

const coalesced: Scenario = {
  name: "3 edits of one file",
  wanted: "61 % / 67 %",
  prepare: (root) => {
    const lines = Array.from({ length: 3 }, (_, index) => text(index)).join("");
    fs.writeFileSync(join(root, "file.ts"), lines);
  },
  plain: (root, files) => {
    const path = join(root, "file.ts");
    for (const [from, to] of threeEdits) {
      files.write(path, fs.readFileSync(path, "utf8").replace(from, to));
    }
  },
  engine: (overlay) => {
    // The first occurrence each time, as String.replace takes it.
    const edits = threeEdits.map(([, to], index): Edit => {
      return { kind: "lines", first: index + 1, last: index + 1, text: `export const ${to};\n` };
    });
    multiEdit(overlay, "file.ts", edits);
  },
};

const transacted: Scenario = {
  name: "transaction",
  wanted: "20–30 % / 67 %",
  prepare: (root) => {
    for (const name of ["a.ts", "b.ts", "gone.ts"]) {
      fs.writeFileSync(join(root, name), `${text(0)}// marker\n`);
    }
  },
  plain: (root, files) => {
    const path = (name: string) => join(root, name);
    for (const name of ["a.ts", "b.ts"]) {
      const before = fs.readFileSync(path(name), "utf8");
      files.write(path(name), before.replace("// marker", "// first"));
      const again = fs.readFileSync(path(name), "utf8");
      files.write(path(name), again.replace("// first", "// second"));
    }
    files.write(path("new.ts"), text(1));
    files.remove(path("gone.ts"));
  },
  engine: async (overlay) => {
    await transaction(overlay, (t) => {
      for (const name of ["a.ts", "b.ts"]) {
        t.edit(name, replaceText("// marker", "// first"));
        t.edit(name, replaceText("// first", "// second"));
      }
      t.write("new.ts", text(1));
      t.remove("gone.ts");
    });
  },
};

const largeBytes = ({ tiny }: Scale) => (tiny ? 3 * MIB : 100 * MIB);

function prepareLarge(root: string, scale: Scale): void {
  // As who streams large files would: by default the overlay keeps up to 100 MB in memory.
  fs.writeFileSync(
    join(root, "write_optimization_config.yaml"),
    "write_optimization: { performance: { memory_limit: 8MB } }\n",
  );
  const descriptor = fs.openSync(join(root, "large.log"), "w");
  const chunk = Buffer.alloc(MIB, "a line of a log that is as long as most lines of logs are\n");
  chunk.write("needle-one", 1000);
  for (let at = 0; at < largeBytes(scale); at += MIB) {
    fs.writeSync(descriptor, chunk, 0, chunk.length, at);
    chunk.fill("-", 1000, 1010);
  }
  fs.closeSync(descriptor);
}

const upperCase = (bytes: Buffer) => {
  // An index, since an iterator over a hundred million bytes would be all that is measured.
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] === 0x61) bytes[index] = 0x41;
  }
  return bytes;
};

const streamed: Scenario = {
  name: "streaming, 100 MB rewritten",
  wanted: "memory 75–99 %",
  isLarge: true,
  prepare: prepareLarge,
  plain: (root, files) => {
    const path = join(root, "large.log");
    files.write(path, upperCase(fs.readFileSync(path)));
  },
  engine: async (overlay) => {
    const changed = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) yield upperCase(chunk);
    };
    await transformStream(overlay, "large.log", "large.log", changed, { reuseChunk: true });
  },
};

const extents: Scenario = {
  name: "streaming, one edit of 100 MB",
  wanted: "memory 75–99 %",
  isLarge: true,
  prepare: prepareLarge,
  plain: (root, files) => {
    const path = join(root, "large.log");
    files.write(path, fs.readFileSync(path, "utf8").replace("needle-one", "needle-two"));
  },
  engine: (overlay) => {
    editExtents(overlay, "large.log", [replaceText("needle-one", "needle-two")]);
  },
};

/** The rows of section G, and an edit of a large file beside its rewrite. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  single,
  committed: manyFiles(1, "–"),
  batch3: manyFiles(3, "37 % / 50 %"),
  batch10: manyFiles(10, "51 % / 50–70 %"),
  template5: templated,
  drawn5: drawn,
  coalesce3: coalesced,
  transaction: transacted,
  stream: streamed,
  extents,
};
