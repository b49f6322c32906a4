/** What only a terminal gets: colours, and lines that fit it. */
import type { Output } from "./io.ts";

const codes = { red: 31, green: 32, yellow: 33 } as const;
export type Colour = keyof typeof codes;

/** `process.stdout` says this of itself; a file or a pipe does not. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** As https://no-color.org has it: any value but the empty one turns colours off. */
export function hasColours(output: Output & Terminal, environment = process.env): boolean {
  const { NO_COLOR: no = "", TERM: terminal } = environment;
  return output.isTTY === true && no === "" && terminal !== "dumb";
}

export function painted(text: string, colour: Colour, isOn: boolean): string {
  return isOn ? `\u001B[${codes[colour]}m${text}\u001B[39m` : text;
}

/** Undefined where lines may be as long as they are. */
export function widthOf(output: Output & Terminal): number | undefined {
  return output.isTTY === true ? output.columns : undefined;
}
