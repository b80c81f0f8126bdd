import nodeFs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { protections } from "../../src/disk/lower/protections.ts";
import { open, plant } from "./scratch.ts";

const root = 0;
const owner = 1001;
const maker = 1002;
const stranger = 1003;

const settings = { ...protections };
afterEach(() => void Object.assign(protections, settings));

function as(user: number, run: () => unknown): unknown {
  process.seteuid?.(user);
  try {
    run();
    return "done";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    process.seteuid?.(root);
  }
}

/** By the settings that most distributions have, whatever this machine is set to. */
describe.runIf(process.geteuid?.() === 0)("in a sticky directory", () => {
  const given = (mode: number, symlinks: number, regular: number) => {
    const path = plant({ target: "from elsewhere", "s/file": "file" });
    nodeFs.chmodSync(path, 0o755);
    nodeFs.chmodSync(join(path, "target"), 0o666);
    const directory = join(path, "s");
    nodeFs.symlinkSync("../target", join(directory, "link"));
    nodeFs.symlinkSync("..", join(directory, "up"));
    for (const name of ["file", "link", "up"]) {
      nodeFs.lchownSync(join(directory, name), maker, maker);
    }
    nodeFs.chmodSync(join(directory, "file"), 0o666);
    nodeFs.chownSync(directory, owner, owner);
    nodeFs.chmodSync(directory, mode);
    Object.assign(protections, { symlinks, regular });
    const { fs } = open(path);
    return {
      fs,
      follow: (user: number) => as(user, () => fs.readFileSync(`${directory}/link`)),
      pass: (user: number) => as(user, () => fs.readFileSync(`${directory}/up/target`)),
      write: (user: number) => as(user, () => fs.writeFileSync(`${directory}/file`, "new")),
      append: (user: number) => as(user, () => fs.appendFileSync(`${directory}/file`, "more")),
      patch: (user: number) => as(user, () => fs.closeSync(fs.openSync(`${directory}/file`, "r+"))),
    };
  };

  it("links of others are not followed, where they come last", () => {
    const { follow, pass } = given(0o1777, 1, 0);
    expect([follow(maker), follow(stranger), follow(owner), follow(root)]).toEqual([
      "done",
      "EACCES",
      "EACCES",
      "EACCES",
    ]);
    expect(pass(stranger)).toBe("done");
  });

  it("links are followed where not everybody may put them, or nothing protects them", () => {
    expect(given(0o1775, 1, 0).follow(stranger)).toBe("done");
    expect(given(0o777, 1, 0).follow(stranger)).toBe("done");
    expect(given(0o1777, 0, 0).follow(stranger)).toBe("done");
  });

  it("files of others are not opened to be made, though they may be written to", () => {
    const { write, append, patch } = given(0o1777, 0, 1);
    for (const change of [write, append]) {
      expect([change(maker), change(stranger), change(root)]).toEqual(["done", "EACCES", "EACCES"]);
    }
    expect(patch(stranger)).toBe("done");
  });

  it("a group is kept from it only by the stricter setting", () => {
    expect(given(0o1775, 0, 1).write(stranger)).toBe("done");
    expect(given(0o1775, 0, 2).write(stranger)).toBe("EACCES");
    expect(given(0o1777, 0, 0).write(stranger)).toBe("done");
  });
});
