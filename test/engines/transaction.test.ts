import { describe, expect, it } from "vitest";
import { replaceText } from "../../src/engines/edit.ts";
import { type Transaction, transaction } from "../../src/engines/transaction.ts";
import { overlayKinds, viewOf } from "./support/layer-overlay.ts";
import { plainOverlay, plant } from "./support/plain-overlay.ts";

const hex = (content: string, mode = "644") => `${mode} ${Buffer.from(content).toString("hex")}`;

describe.each(overlayKinds)("a transaction over %s", (_name, overlayOver) => {
  function over(files: Record<string, string>) {
    const planted = plainOverlay();
    plant(planted.root, files);
    return overlayOver(planted.root);
  }

  it("shows its own changes to itself, and to others only when it ends", async () => {
    const overlay = over({ "a.txt": "a", "gone.txt": "g" });
    const before = viewOf(overlay);
    const result = await transaction(overlay, async (t) => {
      t.write("new/b.txt", "b");
      t.edit("a.txt", replaceText("a", "A"));
      t.remove("gone.txt");
      await Promise.resolve();
      expect(viewOf(overlay)).toEqual(before);
      expect(t.read("new/b.txt")?.toString()).toBe("b");
      expect(t.read("gone.txt")).toBeUndefined();
      return t.read("a.txt")?.toString();
    });
    expect(result).toMatchObject({ value: "A", operations: 3, writes: 2, deletes: 1, attempts: 1 });
    expect(viewOf(overlay)).toEqual({ "a.txt": hex("A"), new: "/", "new/b.txt": hex("b") });
  });

  it("keeps what it was given, and what it has read, whatever becomes of the buffers", async () => {
    const overlay = over({ "a.txt": "a" });
    await transaction(overlay, (t) => {
      const given = Buffer.from("given");
      t.write("b.txt", given);
      given.fill("-");
      t.read("a.txt")?.fill("-");
      t.read("b.txt")?.fill("-");
    });
    expect(viewOf(overlay)).toEqual({ "a.txt": hex("a"), "b.txt": hex("given") });
  });

  it("leaves nothing when its function throws", async () => {
    const overlay = over({ "a.txt": "a" });
    const before = viewOf(overlay);
    const work = transaction(overlay, (t) => {
      t.write("b.txt", "b");
      throw new Error("changed my mind");
    });
    await expect(work).rejects.toThrow("changed my mind");
    expect(viewOf(overlay)).toEqual(before);
  });

  it("moves a file with its mode", async () => {
    const overlay = over({ "a.sh": "a" });
    overlay.fs.chmodSync(`${overlay.root}/a.sh`, 0o755);
    await transaction(overlay, (t) => t.move("a.sh", "bin/b.sh"));
    expect(viewOf(overlay)).toEqual({ bin: "/", "bin/b.sh": hex("a", "755") });
  });
});

describe("transactions at the same time", () => {
  const add = async (t: Transaction): Promise<void> => {
    const value = Number(t.read("counter")?.toString() ?? "0");
    await new Promise((resolve) => setTimeout(resolve, 0));
    t.write("counter", String(value + 1));
  };

  it("never lose an update: one that read what another wrote is refused", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { counter: "0" });
    const ends = await Promise.allSettled([transaction(overlay, add), transaction(overlay, add)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(ends.find((end) => end.status === "rejected")?.reason).toMatchObject({
      code: "DRAFT_CONFLICT",
    });
    expect(viewOf(overlay)).toEqual({ counter: hex("1") });
  });

  it("all succeed when they may start over, in some order", async () => {
    const overlay = plainOverlay();
    const work = Array.from({ length: 8 }, () => transaction(overlay, add, { retries: 20 }));
    await Promise.all(work);
    expect(viewOf(overlay)).toEqual({ counter: hex("8") });
  });

  it("touch different files without noticing each other", async () => {
    const overlay = plainOverlay();
    const write = (name: string) =>
      transaction(overlay, async (t) => {
        t.write(name, name);
        await new Promise((resolve) => setTimeout(resolve, 0));
      });
    const results = await Promise.all(["a", "b", "c"].map(write));
    expect(results.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
  });

  it("refuse one that deletes what another deleted, and one that creates what another created", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a" });
    const both = (work: (t: Transaction) => void) =>
      Promise.allSettled(
        [0, 1].map(() =>
          transaction(overlay, async (t) => {
            work(t);
            await new Promise((resolve) => setTimeout(resolve, 0));
          }),
        ),
      );
    for (const work of [
      (t: Transaction) => t.remove("a"),
      (t: Transaction) => t.edit("new", replaceText("", "x")),
    ]) {
      const ends = await both(work);
      const refused = ends.filter((end) => end.status === "rejected");
      expect(refused.map(({ reason }) => reason)).toMatchObject([{ code: "DRAFT_CONFLICT" }]);
    }
  });

  it("cannot be used after they have ended", async () => {
    const overlay = plainOverlay();
    let leaked: Transaction | undefined;
    await transaction(overlay, (t) => {
      leaked = t;
    });
    expect(() => leaked?.write("a", "a")).toThrow(/has ended/);
  });
});
