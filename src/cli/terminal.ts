import { styleText } from "node:util";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** A text stream that may be a terminal: standard output or standard error. */
export interface Terminal {
  readonly isTerminal: boolean;
  readonly isColoured: boolean;
  write(text: string): void;
  writeBytes(bytes: Uint8Array): void;
  /** One JSON document, for programs. */
  json(value: object): void;
  /** `text` in colour, or as it is where colour is not wanted. */
  paint(style: Style, text: string): string;
}

/**
 * Wraps a stream. Colour appears only on a terminal, and never when `NO_COLOR` is set
 * (https://no-color.org) or `TERM` is `dumb`; `FORCE_COLOR` turns it on elsewhere.
 */
export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = stream.isTTY === true;
  const isColoured = wantsColour(isTerminal, env);
  return {
    isTerminal,
    isColoured,
    write: (text) => void stream.write(text),
    writeBytes: (bytes) => void stream.write(bytes),
    json: (value) => void stream.write(`${JSON.stringify(value, undefined, 2)}\n`),
    // Decided already: Node would look again, at standard output and at CI.
    paint: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
  };
}

function wantsColour(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}

/** Text from outside (a path, a command) for people: what a terminal would obey is made visible. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not pass.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/gu, (character) => {
    const code = character.charCodeAt(0);
    const byte = code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : code;
    return `\\x${byte.toString(16).padStart(2, "0")}`;
  });
}
