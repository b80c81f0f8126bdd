import { openFlags } from "../disk/open-flags.ts";
import type { TreePath } from "../disk/tree-path.ts";
import { packedContentBytesMax } from "../limits.ts";
import type { After } from "./change-set.ts";
import { checkContent } from "./check-content.ts";
import { type CheckFinding, type CheckLevel, refuseErrors } from "./check-finding.ts";
import type { CommitStore } from "./commit-store.ts";
import type { Directories } from "./directories.ts";
import { OldPlaces } from "./old-places.ts";
import type { CommitPlan, StagedItem } from "./plan.ts";
import { preflight } from "./preflight.ts";
import type { OnBytes } from "./stage.ts";
import type { NodeImage } from "./step.ts";
import { WriteVerifier } from "./verify-write.ts";

/** The checks of one commit at its level, in the order of its phases. */
export class CommitChecks {
  readonly #store: CommitStore;
  readonly #directories: Directories;
  readonly #verifier: WriteVerifier | undefined;
  /** Where the bytes lie that a new content replaces. */
  readonly #replaced = new Map<After, TreePath>();
  readonly #findings: CheckFinding[] = [];

  private constructor(
    store: CommitStore,
    plan: CommitPlan,
    directories: Directories,
    verifier: WriteVerifier | undefined,
  ) {
    this.#store = store;
    this.#directories = directories;
    this.#verifier = verifier;
    const places = new OldPlaces(plan.changeSet.changes);
    for (const change of plan.changeSet.changes) {
      if (change.kind !== "modify" || change.before.state.kind !== "file") continue;
      if (change.before.state.size > packedContentBytesMax) continue;
      this.#replaced.set(change.after, places.placeOf(change.path));
    }
  }

  /**
   * Looks at directories and room.
   *
   * @throws {DraftError} `DRAFT_CHECK_FAILED`
   */
  static async start(
    store: CommitStore,
    plan: CommitPlan,
    directories: Directories,
    options: { readonly checks?: CheckLevel },
  ): Promise<CommitChecks> {
    const level = options.checks ?? "normal";
    if (level !== "minimal") refuseErrors(preflight(store, plan));
    const isStrict = level === "strict";
    const verifier = isStrict ? await WriteVerifier.load(store.disk, directories) : undefined;
    return new CommitChecks(store, plan, directories, verifier);
  }

  /** Warnings so far. */
  get warnings(): readonly CheckFinding[] {
    return this.#findings.filter(({ severity }) => severity === "warning");
  }

  /** For the stager; `undefined` where nobody wants to see the bytes. */
  get onBytes(): OnBytes | undefined {
    const verifier = this.#verifier;
    if (verifier === undefined) return undefined;
    return (item, slot, bytes) => {
      verifier.expect(slot, bytes);
      const before = this.#readReplaced(item.after);
      this.#findings.push(...checkContent(item.path, bytes, before));
    };
  }

  /** Reads back what was staged. @throws {DraftError} `DRAFT_CHECK_FAILED` */
  afterStaging(item: StagedItem, slot: TreePath, image: NodeImage): void {
    this.#verifier?.verify(slot, item.path, image);
  }

  /** @throws {DraftError} `DRAFT_CHECK_FAILED` when the content of a file must not go in. */
  finish(): void {
    refuseErrors(this.#findings);
  }

  #readReplaced(after: After): Buffer | undefined {
    const path = this.#replaced.get(after);
    if (path === undefined) return undefined;
    const { disk } = this.#store;
    const descriptor = disk.open(this.#directories.locate(path), openFlags.read);
    try {
      const buffer = Buffer.allocUnsafe(disk.fstat(descriptor).size);
      return buffer.subarray(0, disk.read(descriptor, buffer, 0));
    } finally {
      disk.close(descriptor);
    }
  }
}
