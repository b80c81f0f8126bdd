import { type Scenario, scenario } from "../harness/scenario.ts";
import { directory } from "../harness/seed.ts";

const names: Readonly<Record<string, string>> = {
  "a space": "two words",
  "spaces at both ends": " x ",
  "a newline": "line\nbreak",
  "a tab": "tab\there",
  "quotes and a backslash": `"'\\`,
  "a percent sign": "100%41",
  "a hash and a question mark": "a#b?c",
  "a dash in front": "-rf",
  "two dots in front": "..hidden",
  "three dots": "...",
  "a tilde": "~",
  "a star": "*",
  "a colon": "C:",
  "umlauts, composed": "\u00fcber",
  "umlauts, decomposed": "u\u0308ber",
  "an emoji": "\u{1f600}",
  "another script": "\u65e5\u672c\u8a9e",
  "a right-to-left mark": "a\u200fb",
  "a control character": "bell\u0007",
  "a name of an object's property": "__proto__",
  "another name of an object's property": "constructor",
  "yet another name of an object's property": "hasOwnProperty",
  "255 bytes": "n".repeat(255),
  "255 bytes of two-byte characters": `${"\u00e9".repeat(127)}x`,
};

/** A name goes through every operation on names. */
const everyName = Object.entries(names).map(([label, name]) =>
  scenario(
    `a name with ${label}`,
    ({ fs, at }) => {
      fs.readFileSync(at(`seeded/${name}`), "utf8");
      fs.writeFileSync(at(name), "new");
      fs.readFileSync(at(name), "utf8");
      fs.renameSync(at(`seeded/${name}`), at("plain"));
      fs.mkdirSync(at(`d/${name}`));
      fs.renameSync(at(name), at(`d/${name}/${name}`));
      fs.readdirSync(at(`d/${name}`));
      fs.symlinkSync(`d/${name}`, at("s"));
      fs.realpathSync(at("s"));
      fs.readdirSync(at("s"), { withFileTypes: true });
      fs.linkSync(at("plain"), at(name));
      fs.readdirSync(at(""));
      fs.unlinkSync(at(name));
      fs.unlinkSync(at(name));
    },
    { seed: { d: directory(), seeded: directory(), [`seeded/${name}`]: "seeded" } },
  ),
);

/** Names and paths that no file system takes as they look. */
export const oddNames: readonly Scenario[] = [
  ...everyName,
  scenario("names that differ in case only", ({ fs, at }) => {
    fs.writeFileSync(at("A.TXT"), "upper");
    fs.readFileSync(at("a.txt"), "utf8");
    fs.readFileSync(at("A.TXT"), "utf8");
    fs.unlinkSync(at("a.txt"));
    fs.existsSync(at("A.TXT"));
    fs.existsSync(at("a.TXT"));
  }),
  scenario("names that differ in normalisation only", ({ fs, at }) => {
    fs.writeFileSync(at("\u00fc"), "composed");
    fs.writeFileSync(at("u\u0308"), "decomposed");
    fs.readdirSync(at(""));
    fs.readFileSync(at("\u00fc"), "utf8");
    fs.unlinkSync(at("\u00fc"));
    fs.readFileSync(at("u\u0308"), "utf8");
  }),
  scenario("a name of 256 bytes is ENAMETOOLONG everywhere", ({ fs, at }) => {
    const name = "n".repeat(256);
    fs.writeFileSync(at(name), "x");
    fs.mkdirSync(at(name));
    fs.statSync(at(name));
    fs.lstatSync(at(`${name}/x`));
    fs.renameSync(at("a.txt"), at(name));
    fs.renameSync(at(name), at("x"));
    fs.symlinkSync("t", at(name));
    fs.linkSync(at("a.txt"), at(name));
    fs.unlinkSync(at(name));
    fs.rmdirSync(at(name));
    fs.readdirSync(at(name));
    fs.readlinkSync(at(name));
    fs.openSync(at(name), "r");
    fs.chmodSync(at(name), 0o600);
    fs.truncateSync(at(name));
    fs.accessSync(at(name));
    fs.existsSync(at(name));
    fs.rmSync(at(name), { force: true });
    fs.copyFileSync(at("a.txt"), at(name));
    fs.mkdirSync(at(`${name}/x`), { recursive: true });
    fs.statSync(at(`missing/${name}`));
    fs.statSync(at(`a.txt/${name}`));
  }),
  scenario("two-byte characters count as bytes", ({ fs, at }) => {
    fs.writeFileSync(at("\u00e9".repeat(128)), "x");
    fs.writeFileSync(at("\u65e5".repeat(86)), "x");
    fs.writeFileSync(at("\u65e5".repeat(85)), "x");
    fs.readdirSync(at(""));
  }),
  scenario("a path of 4095 bytes is taken, one of 4096 is not", ({ fs, at }) => {
    const padTo = (length: number) => {
      const tail = "a.txt";
      const room = length - at("").length - 1 - tail.length;
      return `${at("")}/${"./".repeat(Math.floor(room / 2))}${room % 2 ? "/" : ""}${tail}`;
    };
    fs.readFileSync(Buffer.from(padTo(4095)), "utf8").length;
    fs.statSync(Buffer.from(padTo(4095)));
    fs.existsSync(padTo(4096));
    const long = fs.existsSync(padTo(5000));
    fs.statSync(Buffer.from(padTo(4096)).subarray(0, 4096), { throwIfNoEntry: long });
  }),
  scenario("slashes and dots in the middle mean nothing", ({ fs, at }) => {
    fs.readFileSync(at(".//d/././/x.txt"), "utf8");
    fs.readFileSync(at("d/sub/../../d/sub/../x.txt"), "utf8");
    fs.writeFileSync(at("d//sub/.././n"), "n");
    fs.readdirSync(at("d"));
    fs.mkdirSync(at("e/../f"));
    fs.readdirSync(at("d/.//"));
  }),
  scenario("special last components", ({ fs, at }) => {
    fs.unlinkSync(at("d/."));
    fs.unlinkSync(at("d/.."));
    fs.mkdirSync(at("d/."));
    fs.mkdirSync(at("d/.."));
    fs.symlinkSync("t", at("d/."));
    fs.linkSync(at("a.txt"), at("d/.."));
    fs.openSync(at("d/.."), "w");
    fs.readlinkSync(at("d/."));
    fs.renameSync(at("d/."), at("x"));
    fs.rmSync(at("d/."), { force: true });
  }),
  scenario(
    "names that are not UTF-8 keep their bytes",
    ({ fs, at, note }) => {
      const raw = Buffer.concat([Buffer.from(at("bytes-")), Buffer.from([0xff, 0xfe, 0x80])]);
      fs.writeFileSync(raw, "raw");
      fs.readFileSync(raw, "utf8");
      note(
        "names",
        fs
          .readdirSync(at(""), "buffer")
          .map((name) => name.toString("hex"))
          .sort(),
      );
      fs.renameSync(raw, at("plain"));
      fs.readFileSync(at("plain"), "utf8");
      fs.existsSync(raw);
      fs.symlinkSync(Buffer.from([0x2e, 0x2f, 0xff]), at("s"));
      fs.readlinkSync(at("s"), "buffer");
      fs.unlinkSync(at("s"));
    },
    { skip: { memfs: "memfs keeps names as strings" } },
  ),
  scenario("a file URL with odd characters", ({ fs, at }) => {
    fs.writeFileSync(at("a b#c?.txt"), "odd");
    fs.readFileSync(new URL(`file://${at("a%20b%23c%3F.txt")}`), "utf8");
    fs.readdirSync(new URL(`file://${at("d/")}`));
  }),
];
