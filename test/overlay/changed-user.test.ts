import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { open, plant } from "./scratch.ts";

const stranger = 65_534;

function as<T>(user: number, run: () => T): T {
  process.seteuid?.(user);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}

/** What a call gives or fails with. */
function outcome(run: () => unknown): unknown {
  try {
    const value = run();
    return Buffer.isBuffer(value) ? value.toString() : value;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** A process that root has started may act for others between two calls. */
describe.runIf(process.geteuid?.() === 0)("what is pending", () => {
  const { umask } = process;
  const overlay = () => {
    const before = umask(0o022);
    onTestFinished(() => void umask(before));
    const root = plant();
    const layer = open(root);
    const { fs } = layer;
    fs.chmodSync(root, 0o755);
    fs.mkdirSync("open/below", { recursive: true });
    fs.mkdirSync("closed/below", { recursive: true });
    const paths = ["open/file", "open/below/file", "closed/file", "closed/below/file"];
    for (const path of paths) fs.writeFileSync(path, path);
    fs.chmodSync("closed", 0o700);
    const absolute = (path: string) => `${root}/${path}`;
    /** Asked twice: by now it is known where the path leads. */
    const told = (path: string, user: number) => {
      const ask = () => [
        outcome(() => fs.statSync(absolute(path)).size),
        outcome(() => fs.lstatSync(absolute(path)).size),
        fs.existsSync(absolute(path)),
        outcome(() => fs.readFileSync(absolute(path))),
      ];
      const first = as(user, ask);
      expect(as(user, ask)).toEqual(first);
      return first;
    };
    return { layer, fs, paths, told };
  };

  const seen = (path: string) => [path.length, path.length, true, path];
  /** `exists` goes by who has started the process, which is root. */
  const refused = ["EACCES", "EACCES", true, "EACCES"];

  it("is told by every form of exists to root, for whomever it acts, as on a disk", async () => {
    const root = plant({ "closed/file": "f" });
    nodeFs.chmodSync(join(root, "closed"), 0o700);
    const { fs } = open(root);
    const path = join(root, "closed/file");
    for (const change of [() => {}, () => fs.appendFileSync(path, "+")]) {
      change();
      const [ours, disk] = as(stranger, () =>
        [fs, nodeFs].map((one) => [
          one.existsSync(path),
          outcome(() => one.accessSync(path)),
          outcome(() => one.lstatSync(path)),
        ]),
      );
      expect(ours).toEqual(disk);
    }
  });

  it("is told to whoever may pass to it, and to nobody else", () => {
    const { paths, told } = overlay();
    for (const user of [0, stranger, 0]) {
      for (const path of paths) {
        const isSeen = user === 0 || path.startsWith("open");
        expect(told(path, user), `${path} ${user}`).toEqual(isSeen ? seen(path) : refused);
      }
    }
  });

  it("can be read by whom its mode names", () => {
    const { fs, told } = overlay();
    const path = "open/file";
    const unread = [path.length, path.length, true, "EACCES"];
    fs.chmodSync(path, 0o600);
    for (const [user, expected] of [
      [0, seen(path)],
      [stranger, unread],
      [0, seen(path)],
    ] as const) {
      expect(told(path, user)).toEqual(expected);
    }
    fs.chmodSync(path, 0o044);
    expect(told(path, stranger)).toEqual(seen(path));
    fs.chownSync(path, stranger, stranger);
    expect(told(path, stranger)).toEqual(unread);
    expect(told(path, 0)).toEqual(seen(path));
  });

  it("is told as the modes on the way are by now", () => {
    const { layer, fs, told } = overlay();
    const path = "open/below/file";
    const expectTold = (isOpen: boolean) => {
      expect(told(path, 0)).toEqual(seen(path));
      expect(told(path, stranger)).toEqual(isOpen ? seen(path) : refused);
    };
    expectTold(true);
    const savepoint = layer.savepoint();
    for (const [directory, mode] of [
      ["open", 0o704],
      ["open", 0o755],
      ["open/below", 0o700],
      ["open/below", 0o711],
      [".", 0o700],
    ] as const) {
      fs.chmodSync(directory, mode);
      expectTold((mode & 1) === 1);
    }
    layer.rollback(savepoint);
    expectTold(true);
    fs.renameSync("open", "moved");
    fs.renameSync("closed", "open");
    fs.writeFileSync(path, path);
    expectTold(false);
  });
});
