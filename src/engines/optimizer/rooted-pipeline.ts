import { checkOptions } from "../../check-options.ts";
import type { AgentName } from "../../config/agent-profile.ts";
import { effectiveConfig } from "../../config/effective-config.ts";
import { type OptimizerSettings, optimizerSettingsOf } from "../optimizer-settings.ts";
import { rootedPipelineNames } from "../option-names.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { TemplateCache } from "../template/template-cache.ts";
import { type PipelineOptions, WritePipeline } from "./write-pipeline.ts";

/** How to open a {@link RootedPipeline}: its settings and templates are those of the root. */
export interface RootedPipelineOptions extends Omit<PipelineOptions, "settings" | "templates"> {
  /** Whose profile holds; one without templates reads and keeps none. */
  readonly agent?: AgentName;
}

/**
 * A pipeline that goes by the configuration of the overlay's root, and knows the templates that
 * were found there before: they are read from the state directory, and written there when it is
 * closed.
 *
 * @example
 * using pipeline = RootedPipeline.open(overlay);
 * pipeline.submit({ kind: "write", path: "a.ts", bytes });
 */
export class RootedPipeline extends WritePipeline implements Disposable {
  readonly templates: TemplateCache;
  readonly #root: string;
  readonly #keepsTemplates: boolean;

  /**
   * @throws {DraftError} `DRAFT_CONFIG` for a configuration that cannot be read.
   */
  static open(overlay: EngineOverlay, given: RootedPipelineOptions = {}): RootedPipeline {
    checkOptions("RootedPipeline.open", given, rootedPipelineNames);
    const { agent, ...options } = given;
    const { values } = effectiveConfig({ root: overlay.root });
    const settings = optimizerSettingsOf(values, agent);
    const templates = new TemplateCache();
    if (settings.profile.templates) templates.load(overlay.root);
    return new RootedPipeline(overlay, { ...options, settings, templates });
  }

  private constructor(
    overlay: EngineOverlay,
    options: PipelineOptions & {
      readonly settings: OptimizerSettings;
      readonly templates: TemplateCache;
    },
  ) {
    super(overlay, options);
    this.templates = options.templates;
    this.#root = overlay.root;
    this.#keepsTemplates = options.settings.profile.templates;
  }

  /**
   * Does what waits, and keeps the templates.
   *
   * @throws what `flush` throws; the templates are kept all the same.
   */
  close(): void {
    try {
      if (this.waiting > 0) this.flush();
    } finally {
      if (this.#keepsTemplates) this.templates.save(this.#root);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
