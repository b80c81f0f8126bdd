import { effectiveConfig } from "../config/effective-config.ts";
import { optimizerSettingsOf } from "./optimizer-settings.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import { TemplateCache } from "./template-cache.ts";
import { type PipelineOptions, WritePipeline } from "./write-pipeline.ts";

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

  /**
   * @throws {DraftError} `DRAFT_CONFIG` for a configuration that cannot be read.
   */
  static open(
    overlay: EngineOverlay,
    options: Omit<PipelineOptions, "settings" | "templates"> = {},
  ): RootedPipeline {
    const templates = new TemplateCache();
    templates.load(overlay.root);
    const settings = optimizerSettingsOf(effectiveConfig({ root: overlay.root }).values);
    return new RootedPipeline(overlay, { ...options, settings, templates });
  }

  private constructor(
    overlay: EngineOverlay,
    options: PipelineOptions & { readonly templates: TemplateCache },
  ) {
    super(overlay, options);
    this.templates = options.templates;
    this.#root = overlay.root;
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
      this.templates.save(this.#root);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
