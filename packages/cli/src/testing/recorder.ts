/** Standard streams of a test: what was written, in order, with standard error marked. */
import { Readable } from "node:stream";
import type { CliIo } from "../io.ts";

export interface Recorder extends CliIo {
  /** Both streams in the order of writing; lines of standard error begin with "! ". */
  marked(): string;
  text(): { stdout: string; stderr: string };
}

export function recorder(input: string): Recorder {
  const pieces: { readonly stream: "stdout" | "stderr"; readonly text: string }[] = [];
  const writer = (stream: "stdout" | "stderr") => ({
    write: (text: string) => pieces.push({ stream, text }),
  });
  const only = (stream: string) =>
    pieces
      .filter((piece) => piece.stream === stream)
      .map((piece) => piece.text)
      .join("");
  return {
    stdout: writer("stdout"),
    stderr: writer("stderr"),
    stdin: Readable.from(input === "" ? [] : [input]),
    marked: () =>
      pieces
        .map(({ stream, text }) =>
          stream === "stdout" ? text : text.replaceAll(/(?<=^|\n)(?=[^])/g, "! "),
        )
        .join(""),
    text: () => ({ stdout: only("stdout"), stderr: only("stderr") }),
  };
}
