/**
 * `--json` of commands that act and say so in sentences:
 *
 *     { "result": { …, "lines": ["mortard started: …"] }, "warnings": ["…"] }
 *     { "problem": { "type": "refused", "detail": "…", "nextStep": "…" } }      and another exit code than 0
 *
 * What a program wants besides the sentences the command tells by `CliIo.tell`.
 */
import type { CliIo, Output } from "./io.ts";

export interface CliProblem {
  /** Stable: `usage`, `refused`, or what the daemon or a package calls it. */
  readonly type: string;
  readonly detail: string;
  readonly nextStep?: string | undefined;
}

export function problemJson(problem: CliProblem): string {
  return `${JSON.stringify({ problem }, undefined, 2)}\n`;
}

export interface ToldOptions {
  /** It prints JSON by itself; only what keeps it from that is told here. */
  readonly printsJson?: boolean;
  /** What kind of problem an exit code stands for. */
  readonly problemType?: (exitCode: number) => string;
}

/** Runs it with an `io` of its own, and prints what came of it. Gives its exit code. */
export async function toldAsJson(
  io: CliIo, run: (io: CliIo) => Promise<number>,
  { printsJson = false, problemType = () => "refused" }: ToldOptions = {},
): Promise<number> {
  const said: string[] = [];
  const complained: string[] = [];
  const told: Record<string, unknown> = {};
  const exitCode = await run({
    stdin: io.stdin,
    stdout: { write: (text: string) => said.push(text) },
    stderr: lines(complained, io.stderr),
    tell: (fields) => void Object.assign(told, fields),
  });
  const output = said.join("");
  const complaints = complained.map((it) => it.trim()).filter((it) => it !== "");
  if (exitCode !== 0 && (!printsJson || output === "")) {
    io.stdout.write(problemJson({ type: problemType(exitCode), ...sentences([...linesOf(output), ...complaints]) }));
  } else if (printsJson) {
    io.stdout.write(output);
    for (const line of complaints) io.stderr.write(`${line}\n`);
  } else {
    const result = { ...told, lines: linesOf(output) };
    io.stdout.write(`${JSON.stringify({ result, warnings: complaints.map(plain) }, undefined, 2)}\n`);
  }
  return exitCode;
}

/** A question waits for its answer, and progress is drawn: neither ends its line, and is for a person. */
function lines(into: string[], outside: Output): Output {
  return {
    write(text: string) {
      if (text.endsWith("\n")) into.push(...text.trimEnd().split("\n"));
      else outside.write(text);
    },
  };
}

function linesOf(text: string): string[] {
  return text.split("\n").map((it) => it.trim()).filter((it) => it !== "");
}

/** The last line may say what to do. */
function sentences(all: readonly string[]): Pick<CliProblem, "detail" | "nextStep"> {
  const next = all.findLast((it) => it.startsWith("Next: "));
  const detail = all.filter((it) => it !== next).join("\n");
  return { detail, ...(next === undefined ? {} : { nextStep: next.slice("Next: ".length) }) };
}

function plain(warning: string): string {
  return warning.replace(/^warning: /i, "");
}
