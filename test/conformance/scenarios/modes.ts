import { type Scenario, scenario } from "../harness/scenario.ts";
import { directory, file } from "../harness/seed.ts";

const me = () => [process.getuid?.() ?? 0, process.getgid?.() ?? 0] as const;

/** Permission bits and owners. */
export const modes: readonly Scenario[] = [
  scenario("chmod of a lower file keeps content and mtime, moves ctime", ({ fs, at }) => {
    fs.chmodSync(at("a.txt"), 0o755);
    fs.statSync(at("a.txt"));
    fs.readFileSync(at("a.txt"), "utf8");
  }),
  scenario("chmod of a lower directory keeps its entries", ({ fs, at }) => {
    fs.chmodSync(at("d"), 0o700);
    fs.statSync(at("d"));
    fs.readdirSync(at("d"));
    fs.readFileSync(at("d/x.txt"), "utf8");
  }),
  scenario("chmod accepts numbers and octal strings", ({ fs, at }) => {
    fs.chmodSync(at("a.txt"), "600");
    fs.statSync(at("a.txt"));
    fs.chmodSync(at("a.txt"), "0o711");
    fs.chmodSync(at("a.txt"), "rwx");
    fs.chmodSync(at("a.txt"), -1);
    fs.chmodSync(at("a.txt"), 0o100644);
    fs.statSync(at("a.txt"));
    fs.chmodSync(at("a.txt"), undefined as unknown as number);
  }),
  scenario("chmod to the same mode still moves the ctime", ({ fs, at }) => {
    fs.chmodSync(at("a.txt"), 0o644);
    fs.statSync(at("a.txt"));
  }),
  scenario("chmod errors", ({ fs, at }) => {
    for (const name of ["missing", "dangling", "loop1", "a.txt/x"]) fs.chmodSync(at(name), 0o600);
    fs.fchmodSync(99_999, 0o600);
    fs.fchmodSync("3" as unknown as number, 0o600);
  }),
  scenario("setuid, setgid and sticky bits are kept on files of one's own", ({ fs, at }) => {
    fs.chmodSync(at("a.txt"), 0o4755);
    fs.statSync(at("a.txt"));
    fs.chmodSync(at("a.txt"), 0o2755);
    fs.statSync(at("a.txt"));
    fs.chmodSync(at("d"), 0o1777);
    fs.statSync(at("d"));
    fs.chmodSync(at("e"), 0o2755);
    fs.statSync(at("e"));
  }),
  scenario("a setgid directory hands its group and bit down", ({ fs, at }) => {
    fs.chmodSync(at("e"), 0o2775);
    fs.mkdirSync(at("e/sub"));
    fs.writeFileSync(at("e/f"), "");
    fs.statSync(at("e/sub"));
    fs.statSync(at("e/f"));
    fs.mkdirSync(at("e/p/q"), { recursive: true });
    fs.statSync(at("e/p/q"));
  }),
  scenario(
    "a write takes setuid and setgid away as the kernel does",
    ({ fs, at }) => {
      fs.writeFileSync(at("suid"), "changed");
      fs.statSync(at("suid"));
      fs.appendFileSync(at("sgid"), "+");
      fs.statSync(at("sgid"));
      fs.truncateSync(at("both"), 1);
      fs.statSync(at("both"));
      fs.appendFileSync(at("lock"), "+");
      fs.statSync(at("lock"));
    },
    {
      seed: {
        suid: file("suid", 0o4755),
        sgid: file("sgid", 0o2755),
        both: file("both", 0o6755),
        lock: file("mandatory lock", 0o2644),
      },
    },
  ),
  scenario("chown to oneself changes nothing but the ctime", ({ fs, at }) => {
    const [uid, gid] = me();
    fs.chownSync(at("a.txt"), uid, gid);
    fs.statSync(at("a.txt"));
    fs.chownSync(at("d"), uid, gid);
    fs.statSync(at("d"));
    fs.lchownSync(at("dangling"), uid, gid);
    fs.lstatSync(at("dangling"));
    fs.chownSync(at("a.txt"), -1, -1);
    fs.statSync(at("a.txt"));
  }),
  scenario("chown to others, as far as this user may", ({ fs, at }) => {
    fs.chownSync(at("a.txt"), 12_345, 12_346);
    fs.statSync(at("a.txt"));
    fs.chownSync(at("link"), 1, 1);
    fs.statSync(at("a.txt"));
    fs.lchownSync(at("link"), 2, 2);
    fs.lstatSync(at("link"));
    fs.chownSync(at("d"), 7, 8);
    fs.statSync(at("d"));
    fs.writeFileSync(at("d/n"), "");
    fs.statSync(at("d/n"));
  }),
  scenario(
    "chown takes setuid and setgid off",
    ({ fs, at }) => {
      const [uid, gid] = me();
      fs.chownSync(at("both"), uid, gid);
      fs.statSync(at("both"));
      fs.chownSync(at("dir"), uid, gid);
      fs.statSync(at("dir"));
    },
    { seed: { both: file("both", 0o6755), dir: directory(0o2755) } },
  ),
  scenario("chown errors", ({ fs, at }) => {
    for (const name of ["missing", "dangling", "loop1", "a.txt/x"]) fs.chownSync(at(name), 0, 0);
    fs.lchownSync(at("missing"), 0, 0);
    fs.fchownSync(99_999, 0, 0);
    fs.chownSync(at("a.txt"), "root" as unknown as number, 0);
    fs.chownSync(at("a.txt"), -2, 0);
    fs.chownSync(at("a.txt"), 1.5, 0);
  }),
  scenario("modes survive content changes, renames and links", ({ fs, at }) => {
    fs.chmodSync(at("a.txt"), 0o751);
    fs.writeFileSync(at("a.txt"), "x");
    fs.renameSync(at("a.txt"), at("m"));
    fs.linkSync(at("m"), at("n"));
    fs.unlinkSync(at("m"));
    fs.statSync(at("n"));
  }),
  scenario("fchmod and fchown act on the open file", ({ fs, at }) => {
    const descriptor = fs.openSync(at("a.txt"), "r");
    fs.fchmodSync(descriptor, 0o700);
    fs.fchownSync(descriptor, ...me());
    fs.fstatSync(descriptor);
    fs.unlinkSync(at("a.txt"));
    fs.fchmodSync(descriptor, 0o600);
    fs.fstatSync(descriptor);
    fs.closeSync(descriptor);
  }),
  scenario("an open mode decides only at creation", ({ fs, at }) => {
    fs.closeSync(fs.openSync(at("n"), "w", 0o400));
    fs.statSync(at("n"));
    fs.closeSync(fs.openSync(at("a.txt"), "w", 0o400));
    fs.statSync(at("a.txt"));
    fs.closeSync(fs.openSync(at("t"), "w", 0o7777));
    fs.statSync(at("t"));
  }),
  scenario("a read-only file just created can be written through its descriptor", ({ fs, at }) => {
    const descriptor = fs.openSync(at("n"), "w", 0o444);
    fs.writeSync(descriptor, "text");
    fs.closeSync(descriptor);
    fs.readFileSync(at("n"), "utf8");
  }),
  scenario(
    "a copy takes the permission bits of its source",
    ({ fs, at }) => {
      fs.copyFileSync(at("s"), at("t"));
      fs.statSync(at("t"));
      fs.copyFileSync(at("w"), at("u"));
      fs.statSync(at("u"));
    },
    { seed: { s: file("s", 0o4755), w: file("w", 0o777) } },
  ),
  scenario("lchmod is absent or as Node has it", async ({ fs, note }) => {
    note("lchmodSync", typeof fs.lchmodSync);
    note("lchmod", typeof fs.lchmod);
    note("promises.lchmod", typeof fs.promises.lchmod);
  }),
  scenario("modes by promise and by callback", async ({ fs, at, callback }) => {
    await fs.promises.chmod(at("a.txt"), 0o700);
    await callback("chmod", at("b.txt"), 0o700);
    await fs.promises.chown(at("a.txt"), ...me());
    await callback("lchown", at("link"), ...me());
    await fs.promises.chmod(at("missing"), 0o700);
    await callback("chmod", at("loop1"), 0o700);
    await fs.promises.lchown(at("missing"), 0, 0);
    await callback("chown", at("missing"), 0, 0);
    fs.statSync(at("a.txt"));
    fs.statSync(at("b.txt"));
  }),
];
