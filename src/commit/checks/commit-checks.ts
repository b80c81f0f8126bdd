import type { Disk } from "../../disk/disk.ts";
import type { After } from "../change-set/change-set.ts";
import type { CommitStore } from "../commit-store.ts";
import type { OnReplaced } from "../conflict/examine.ts";
import type { CommitOptions } from "../options.ts";
import type { CommitPlan } from "../plan/plan.ts";
import { type Purpose, purposeOf } from "../purpose.ts";
import type { StagingChecks } from "../stage/stage.ts";
import { WriteVerifier } from "../stage/verify-write.ts";
import type { Directories } from "../tree/directories.ts";
import { type ContentShape, checkContent, shapeOf } from "./check-content.ts";
import { type CheckFinding, type CheckPart, refuseErrors } from "./check-finding.ts";
import { preflight } from "./preflight.ts";

/** The checks of one commit at its level, in the order of its phases. */
export class CommitChecks {
  readonly #looksAtPlaces: boolean;
  readonly #looksAtContent: boolean;
  readonly #verifier: WriteVerifier | undefined;
  /** What the content was that a change replaces. */
  readonly #replaced = new Map<After, ContentShape>();
  readonly #findings: CheckFinding[] = [];
  readonly #purpose: Purpose;

  private constructor(
    looks: { readonly atPlaces: boolean; readonly atContent: boolean },
    verifier: WriteVerifier | undefined,
    purpose: Purpose,
  ) {
    this.#purpose = purpose;
    this.#looksAtPlaces = looks.atPlaces;
    this.#looksAtContent = looks.atContent;
    this.#verifier = verifier;
  }

  static async open(
    disk: Disk,
    options: Pick<CommitOptions, "checks" | "skippedChecks" | "operation">,
  ): Promise<CommitChecks> {
    const level = options.checks ?? "normal";
    const isOn = (part: CheckPart) => options.skippedChecks?.includes(part) !== true;
    const isStrict = level === "strict";
    return new CommitChecks(
      {
        atPlaces: level !== "minimal" && isOn("pre_write"),
        atContent: isStrict && isOn("content_validation"),
      },
      isStrict && isOn("post_write") ? await WriteVerifier.load(disk) : undefined,
      purposeOf(options),
    );
  }

  /** Warnings so far. */
  get warnings(): readonly CheckFinding[] {
    return this.#findings.filter(({ severity }) => severity === "warning");
  }

  /** For the examiner, who reads what is replaced; `undefined` where nobody wants to see it. */
  get onReplaced(): OnReplaced | undefined {
    if (!this.#looksAtContent) return undefined;
    return (change, bytes) => {
      if (change.kind !== "modify") return;
      this.#replaced.set(change.after, shapeOf(change.path, bytes));
    };
  }

  /**
   * Looks at directories and room.
   *
   * @throws {DraftError} `DRAFT_CHECK_FAILED`
   */
  preflight(store: CommitStore, directories: Directories, plan: CommitPlan): void {
    if (this.#looksAtPlaces) {
      refuseErrors(preflight(store, directories, plan, this.#purpose), this.#purpose);
    }
  }

  /** Whether the look at directories and room finds nothing, before the tree has been examined. */
  isClear(store: CommitStore, directories: Directories, plan: CommitPlan): boolean {
    if (!this.#looksAtPlaces) return true;
    try {
      return preflight(store, directories, plan, this.#purpose).length === 0;
    } catch {
      // The tree is not what it was: the examination says so better.
      return false;
    }
  }

  /** For the stager; `undefined` where nobody wants to see what it writes. */
  get onStaging(): StagingChecks | undefined {
    const verifier = this.#verifier;
    if (verifier === undefined && !this.#looksAtContent) return undefined;
    return {
      beforeWriting: ({ path, after }, bytes) => {
        if (this.#looksAtContent) {
          this.#findings.push(...checkContent(path, bytes, this.#replaced.get(after)));
        }
        return verifier?.hashOf(bytes);
      },
      afterWriting: ({ path }, descriptor, image, hash) =>
        verifier?.verify(path, descriptor, image, hash),
    };
  }

  /** @throws {DraftError} `DRAFT_CHECK_FAILED` when the content of a file must not go in. */
  finish(): void {
    refuseErrors(this.#findings, this.#purpose);
  }
}
