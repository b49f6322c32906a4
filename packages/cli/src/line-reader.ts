/**
 * Lines of a stream, one at a time.
 *
 * Questions and the prompt read the same standard input in turn, so what one of them read ahead
 * must be there for the next: one reader is made per process and handed on.
 */
import type { CliIo } from "./io.ts";

export interface LineReader {
  /** Shows `prompt`, returns the next line without its end; undefined at the end of input. */
  next(prompt: string): Promise<string | undefined>;
  close(): void;
}

/**
 * Reads whatever arrives; prompts are written to `output` as they are. Standard input is not
 * touched before the first line is wanted: a process that opened it waits for its end.
 */
export function streamLines(io: CliIo, output: CliIo["stdout"]): LineReader {
  let chunks: AsyncIterator<string | Buffer> | undefined;
  let buffered = "";
  let ended = false;
  return {
    async next(prompt) {
      output.write(prompt);
      chunks ??= io.stdin[Symbol.asyncIterator]();
      while (!ended && !buffered.includes("\n")) {
        const chunk = await chunks.next();
        if (chunk.done === true) ended = true;
        else buffered += chunk.value.toString();
      }
      if (buffered === "") return undefined;
      const end = buffered.indexOf("\n");
      const line = end === -1 ? buffered : buffered.slice(0, end);
      buffered = end === -1 ? "" : buffered.slice(end + 1);
      return line;
    },
    close() {
      if (chunks !== undefined) (io.stdin as { destroy?: () => void }).destroy?.();
    },
  };
}

/** A terminal: with editing and history. Lines that were pasted together wait their turn. */
export async function terminalLines(): Promise<LineReader> {
  const { createInterface } = await import("node:readline");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const typed: string[] = [];
  const state = { closed: false };
  let wake: () => void = () => {};
  terminal.on("line", (line) => {
    typed.push(line);
    wake();
  });
  terminal.once("close", () => {
    state.closed = true;
    wake();
  });
  return {
    async next(prompt) {
      if (!state.closed) {
        terminal.setPrompt(prompt);
        terminal.prompt();
      }
      while (typed.length === 0 && !state.closed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return typed.shift();
    },
    close: () => terminal.close(),
  };
}
