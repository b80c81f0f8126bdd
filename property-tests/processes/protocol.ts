/** What a process is told to do. */
export type Doing =
  | { readonly kind: "open"; readonly draft: string }
  | { readonly kind: "close"; readonly settle: boolean }
  | { readonly kind: "edit"; readonly edit: unknown; readonly lines: string[] }
  | { readonly kind: "save" | "discard" | "redo" | "plan" | "verify" | "read" | "recover" }
  | {
      readonly kind: "commit";
      readonly how: "plain" | "merge" | "force";
      readonly selection: { readonly include?: string[]; readonly exclude?: string[] };
    }
  | { readonly kind: "undo"; readonly count: number }
  | { readonly kind: "restore"; readonly checkpoint: string; readonly paths?: string[] }
  | { readonly kind: "apply"; readonly plan: unknown }
  | { readonly kind: "gc"; readonly keep: number };

export interface Request {
  readonly root: string;
  readonly doing: Doing;
  /** At which change of the disk it is to stop, counting from 0, and how. */
  readonly stop: { readonly at: number; readonly how: "kill" | "pause" } | undefined;
}

export type Reply =
  | { readonly kind: "paused"; readonly call: string }
  | {
      readonly kind: "done";
      readonly value?: unknown;
      readonly error?: {
        /** Of a `DraftError`. */
        readonly code: string | undefined;
        readonly message: string;
        readonly stack: string | undefined;
        readonly errno: string | undefined;
      };
      /** The files as its overlay shows them, when one is open. */
      readonly view: Record<string, string> | undefined;
      /** How often it has changed the disk while that was counted. */
      readonly changes: number;
    };
